"""The composition root: the only place that builds clocks, ids, keys, the store and the servers."""

import logging
import os
import resource
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from ulid import ULID

from agentctl.artifacts import Shelf
from agentctl.errors import StateDamaged, Unavailable
from agentctl.hub import agents_app, egress_app, gateway_app, operators_app, reconciler_app
from agentctl.hub.apps import App
from agentctl.hub.operators import GENERATION_BYTES_MAX
from agentctl.hub.reconciler import OBSERVATION_BYTES_MAX
from agentctl.identity import Seal, Signer
from agentctl.paths import StatePaths
from agentctl.service import (
    alerts,
    artifacts,
    damage,
    delegated,
    keys,
    modes,
    owed,
    usable,
    watch,
)
from agentctl.service.context import Fleet, Hub
from agentctl.service.room import Room
from agentctl.service.upkeep import Upkeep
from agentctl.store import Store
from agentctl.store import generations as generation_table
from agentctl.store.ballast import Ballast
from agentctl.store.codec import RecordDamaged
from agentctl.web.servers import (
    BODY_BYTES_MAX,
    CONNECTIONS_MAX,
    Server,
    tcp_server,
    unix_server,
)

log = logging.getLogger("agentctl.hub")

TICK_S = 1.0
OPA_JOIN_S = 5.0  # a look that is under way ends within this: what it asks has timeouts
AGENT_THREADS = 1088  # a waiting poll holds one (40 KiB each); the hub's cap on waiting is lower
AGENT_CONNECTIONS_MAX = 4096  # a thousand agents keep two each, and at work two more
OPERATOR_THREADS = 64  # half of them may wait for tasks; see the hub's cap on watchers
INTERNAL_THREADS = 32
EGRESS_THREADS = 9  # as many as egress asks with at once, its watch included
DESCRIPTORS_WANTED = AGENT_CONNECTIONS_MAX + 5 * CONNECTIONS_MAX + 1024  # the rest: store, logs


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The group (gid) that each process's socket belongs to; None where it runs as the hub's account.

    A socket is still a role: its mode lets in the hub's account and that group, nobody else.
    """

    gateway: int | None = None
    egress: int | None = None
    reconciler: int | None = None


def run_hub(
    paths: StatePaths,
    *,
    host: str,
    port: int,
    stop: threading.Event,
    groups: Groups = Groups(),
    names: Iterable[str] = (),
) -> None:
    """Run the hub until `stop` is set. Raises before serving when state, keys or ports can't be had.

    `names` are those that a proxy in front asks for it by, beside this machine's own.
    """
    paths.prepare(paths.store, paths.keys, paths.logs)
    _stay_on_one_core()
    _take_descriptors()
    ballast = Ballast(paths.state)
    ballast.make_way()
    store = Store.open(paths.store)
    try:
        hub = open_hub(paths, store)
        upkeep = keep_state(hub, ballast)
        servers = _servers(hub, paths, host, port, groups)
        shown = f"[{host}]" if ":" in host else host
        hub.live.listen = f"http://{shown}:{servers[0].port}/"
        hub.live.names = frozenset(each.lower() for each in names)
        try:
            for server in servers:
                server.run_in_thread()
            log.info("hub ready", extra={"door": str(paths.door), "listen": f"{host}:{port}"})
            with _asking_opa(hub, stop):
                _tick_until(hub, upkeep, stop)
        finally:
            for server in reversed(servers):
                server.close()
            upkeep.close()
    finally:
        store.close()


def open_hub(paths: StatePaths, store: Store) -> Hub:
    """Return a hub on an open store, as it was left: the newest generation, each lease one period more."""
    clock = SystemClock()
    hub = Hub(
        store=store,
        clock=clock,
        ids=UlidIds(),
        randomness=SystemRandomness(),
        signer=Signer.open(paths.keys, recorded=keys.recorded(store), now_s=clock.wall_s()),
        seal=Seal.open(paths.keys),
        installation=installation_id(paths),
        version=version("agentctl"),
        uid=os.geteuid(),
        shelf=Shelf(paths.artifacts),
    )
    hub.live.listening_since_s = hub.clock.wall_s()
    with store.read() as txn:
        generation = generation_table.latest(txn)
    hub.fleet = Fleet.of(generation) if generation else None
    store.on_write_failure = lambda why: modes.cause(hub, modes.STORE, why.detail)
    keys.record_opened(hub)
    hub.live.reconciler_seen_s = hub.clock.boot_s()
    alerts.load(hub)
    usable.load(hub)
    damage.look_over(hub)
    damage.past(hub, lambda: watch.renew_all(hub))
    damage.past(hub, lambda: artifacts.sweep(hub))
    damage.past(hub, lambda: delegated.recall(hub))
    modes.refresh(hub)
    return hub


def keep_state(hub: Hub, ballast: Ballast) -> Upkeep:
    """Return what keeps the hub's state, with the ballast held or the hub degraded for want of room."""
    room = Room(ballast)
    hub.store.on_write_failure = lambda why: room.give_up(hub, why)
    room.tick(hub)
    return Upkeep(hub=hub, room=room)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A Unix socket to serve, with threads of its own: a flood on one never delays another."""

    app: App
    path: Path
    mode: int
    threads: int
    group: int | None = None
    body_bytes_max: int = BODY_BYTES_MAX
    connections_max: int = CONNECTIONS_MAX


def _listeners(hub: Hub, paths: StatePaths, groups: Groups) -> tuple[Listener, ...]:
    return (
        Listener(
            app=operators_app(hub, by="peer"),
            path=paths.operator_socket,
            mode=0o660,
            threads=OPERATOR_THREADS,
            body_bytes_max=GENERATION_BYTES_MAX,
        ),
        Listener(
            app=gateway_app(hub),
            path=paths.gateway_socket,
            mode=_of_a_role(groups.gateway),
            group=groups.gateway,
            threads=INTERNAL_THREADS,
        ),
        Listener(
            app=egress_app(hub),
            path=paths.egress_socket,
            mode=_of_a_role(groups.egress),
            group=groups.egress,
            threads=EGRESS_THREADS,
        ),
        Listener(
            app=reconciler_app(hub),
            path=paths.reconciler_socket,
            mode=_of_a_role(groups.reconciler),
            group=groups.reconciler,
            threads=INTERNAL_THREADS,
            body_bytes_max=OBSERVATION_BYTES_MAX,
        ),
        Listener(
            app=agents_app(hub),
            path=paths.hub_socket,
            mode=0o666,
            threads=AGENT_THREADS,
            connections_max=AGENT_CONNECTIONS_MAX,
        ),
    )


def _of_a_role(group: int | None) -> int:
    return 0o600 if group is None else 0o660


def _servers(hub: Hub, paths: StatePaths, host: str, port: int, groups: Groups) -> list[Server]:
    """Return a server for each listener, bound but not running; on failure none stays bound."""
    made: list[Server] = []
    try:
        made.append(
            tcp_server(
                operators_app(hub, by="token"),
                host,
                port,
                threads=OPERATOR_THREADS,
                body_bytes_max=GENERATION_BYTES_MAX,
            )
        )
        for each in _listeners(hub, paths, groups):
            server = unix_server(
                each.app,
                each.path,
                mode=each.mode,
                group=each.group,
                threads=each.threads,
                body_bytes_max=each.body_bytes_max,
                connections_max=each.connections_max,
            )
            made.append(server)
    except BaseException:
        for server in made:
            server.close()
        raise
    return made


def _stay_on_one_core() -> None:
    """Keep this process on one core: its threads share one interpreter lock, and fight over it across cores.

    Source: docs/decisions/0013-one-core-for-the-hub.md.
    """
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _take_descriptors() -> None:
    """Take as many file descriptors as this account may have: the usual 1,024 end at 400 agents.

    Source: getrlimit(2); Python's own select() isn't used, which stops at 1,024 of them.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= DESCRIPTORS_WANTED
    wanted = DESCRIPTORS_WANTED if enough else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if not enough:
        log.warning("only %d file descriptors: enough for %d agents", hard, hard // 4)


def _tick_until(hub: Hub, upkeep: Upkeep, stop: threading.Event) -> None:
    """Watch leases and deadlines until told to stop; a failing store degrades, it never ends the hub."""
    steps = (
        lambda: watch.tick(hub),
        lambda: delegated.look_after(hub),
        lambda: keys.retire(hub),
        lambda: alerts.check_when_due(hub),
        upkeep.tick,
        hub.store.reader_check,
    )
    while not stop.wait(TICK_S):
        for step in steps:
            _step(hub, step)


@contextmanager
def _asking_opa(hub: Hub, stop: threading.Event) -> Iterator[None]:
    """Have a thread of its own ask OPA about waiting tasks: no tick waits for another server."""

    def look() -> None:
        while not stop.wait(TICK_S):
            _step(hub, lambda: owed.look(hub))

    thread = threading.Thread(target=look, name="opa", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=OPA_JOIN_S)


def _step(hub: Hub, step: Callable[[], object]) -> None:
    try:
        with damage.told(hub):
            step()
    except Unavailable as why:
        log.warning("tick: %s", why)  # the store's failing write has degraded the hub already
    except RecordDamaged:
        return  # it is reported, and treated: the next tick goes on without it
    except StateDamaged as why:
        modes.cause(hub, modes.DAMAGE, str(why))
