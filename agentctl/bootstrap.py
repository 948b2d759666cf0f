"""The composition root: the only place that builds clocks, ids, keys, the store and the servers."""

import logging
import os
import secrets
import threading
import time
import uuid
from importlib.metadata import version
from pathlib import Path

from ulid import ULID

from agentctl.errors import StateDamaged, Unavailable
from agentctl.hub import agents_app, gateway_app, operators_app, reconciler_app
from agentctl.identity import Seal, Signer
from agentctl.paths import StatePaths
from agentctl.service import modes, watch
from agentctl.service.context import Fleet, Hub
from agentctl.store import Store
from agentctl.store import generations as generation_table
from agentctl.web.servers import Server, tcp_server, unix_server

log = logging.getLogger("agentctl.hub")

TICK_S = 1.0
AGENT_THREADS = 128  # a waiting poll holds one; see hub's own cap on waiting polls, which is lower
OPERATOR_THREADS = 16
INTERNAL_THREADS = 32


class SystemClock:
    """Wall time for people, CLOCK_BOOTTIME for leases (it goes on while the machine sleeps)."""

    def __init__(self) -> None:
        self.boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def wall_s(self) -> float:
        return time.time()

    def boot_s(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)


class UlidIds:
    """Ids in the order of their making, so that the store's newest pages stay the hot ones."""

    def new(self, prefix: str) -> str:
        return f"{prefix}-{str(ULID()).lower()}"


class SystemRandomness:
    def token(self) -> str:
        return secrets.token_urlsafe(32)


def run_hub(paths: StatePaths, *, host: str, port: int, stop: threading.Event) -> None:
    """Run the hub until `stop` is set. Raises before serving when state, keys or ports can't be had."""
    paths.prepare()
    store = Store.open(paths.store)
    try:
        hub = open_hub(paths, store)
        servers = _servers(hub, paths, host, port)
        try:
            for server in servers:
                server.run_in_thread()
            log.info("hub ready", extra={"door": str(paths.door), "listen": f"{host}:{port}"})
            _tick_until(hub, stop)
        finally:
            for server in reversed(servers):
                server.close()
    finally:
        store.close()


def open_hub(paths: StatePaths, store: Store) -> Hub:
    """Return a hub on an open store, as it was left: the newest generation, each lease one period more."""
    hub = Hub(
        store=store,
        clock=SystemClock(),
        ids=UlidIds(),
        randomness=SystemRandomness(),
        signer=Signer.open(paths.keys),
        seal=Seal.open(paths.keys),
        installation=installation_id(paths),
        version=version("agentctl"),
        uid=os.geteuid(),
    )
    with store.read() as txn:
        generation = generation_table.latest(txn)
    hub.fleet = Fleet.of(generation) if generation else None
    store.on_write_failure = lambda why: modes.cause(hub, modes.STORE, why.detail)
    watch.renew_all(hub)
    modes.refresh(hub)
    return hub


def installation_id(paths: StatePaths) -> str:
    """Return this installation's id, made at the first start: its containers carry it in a label."""
    try:
        return paths.installation.read_text().strip()
    except FileNotFoundError:
        pass
    made = uuid.uuid4().hex
    draft = paths.installation.with_suffix(".new")
    draft.write_text(made)
    draft.replace(paths.installation)
    return made


def _servers(hub: Hub, paths: StatePaths, host: str, port: int) -> list[Server]:
    """Return a server for each listener: an agent's flood never delays a health check."""
    made: list[Server] = []
    try:
        made.append(tcp_server(operators_app(hub, by="token"), host, port, threads=OPERATOR_THREADS))
        for app, path, mode, threads in (
            (operators_app(hub, by="peer"), paths.operator_socket, 0o660, OPERATOR_THREADS),
            (gateway_app(hub), paths.gateway_socket, 0o600, INTERNAL_THREADS),
            (reconciler_app(hub), paths.reconciler_socket, 0o600, INTERNAL_THREADS),
            (agents_app(hub), paths.hub_socket, 0o666, AGENT_THREADS),
        ):
            made.append(unix_server(app, path, mode=mode, threads=threads))
    except BaseException:
        for server in made:
            server.close()
        raise
    return made


def _tick_until(hub: Hub, stop: threading.Event) -> None:
    """Watch leases and deadlines until told to stop; a failing store degrades, it never ends the hub."""
    while not stop.wait(TICK_S):
        try:
            watch.tick(hub)
            hub.store.reader_check()
        except Unavailable as why:
            log.warning("tick: %s", why)  # the store's failing write has degraded the hub already
        except StateDamaged as why:
            modes.cause(hub, modes.DAMAGE, str(why))
