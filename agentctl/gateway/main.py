"""The gateway's process: its socket in the door, its hub, and the watch over calls under way."""

import logging
import threading
import time
from functools import partial

from agentctl.client import Hub
from agentctl.gateway.app import gateway_app
from agentctl.gateway.away_watch import AwayWatch
from agentctl.gateway.circuits import RIDE_S, Circuits
from agentctl.gateway.gateway import Gateway
from agentctl.gateway.hub_side import ASK_TIMEOUT_S, HubSide
from agentctl.gateway.judge import Judge
from agentctl.gateway.key_watch import KeyWatch
from agentctl.gateway.open_calls import OpenCalls
from agentctl.gateway.probe import probe
from agentctl.gateway.room import BODY_BYTES_MAX, CALLS_MAX, CONTAINER_CALLS_MAX, Room
from agentctl.paths import StatePaths
from agentctl.providers.keys import Keys
from agentctl.web.servers import Server, unix_server

THREADS = CALLS_MAX + 16  # so that there is always one to say that the gateway is full
CONNECTIONS_MAX = 1200
PEER_CONNECTIONS_MAX = 2 * CONTAINER_CALLS_MAX  # agentd opens one per call, and closes late

log = logging.getLogger("agentctl.gateway")


def run(paths: StatePaths, stop: threading.Event, *, ride_s: float = RIDE_S) -> None:
    """Serve model calls until `stop` is set, then end them: their tasks will ask again.

    Calls wait `ride_s` for a provider that can't be reached.
    Raises Conflict (another gateway listens there), ConfigError (the socket can't be made).
    """
    paths.prepare(paths.logs)
    hub = HubSide(
        Hub(str(paths.gateway_socket), timeout_s=ASK_TIMEOUT_S),
        now_s=time.monotonic,
        wait=stop.wait,
    )
    calls = OpenCalls(hub, now_s=time.monotonic)
    keys = Keys(now_s=time.monotonic)
    circuits = Circuits(now_s=time.monotonic, wall_s=time.time, ride_s=ride_s)
    away = AwayWatch(circuits, partial(probe, keys=keys), now_s=time.monotonic, silent=calls.silent)
    key_watch = KeyWatch(hub, keys, circuits, away, now_s=time.monotonic)
    circuits.changed = key_watch.tell
    gateway = Gateway(
        hub=hub,
        keys=keys,
        calls=calls,
        room=Room(),
        judge=Judge(circuits, away, now_s=time.monotonic, wait=stop.wait),
        keyless=key_watch.look_soon,
    )
    server = _server(gateway, paths)
    server.run_in_thread()
    threading.Thread(target=key_watch.watch, args=(stop,), name="keys", daemon=True).start()
    threading.Thread(target=away.watch, args=(stop,), name="away", daemon=True).start()
    log.info("gateway ready", extra={"socket": str(paths.llm_socket)})
    try:
        calls.watch(stop)
    finally:
        calls.cut_all("the gateway is stopping; try again")
        server.close()
        hub.report_all_unsent()


def _server(gateway: Gateway, paths: StatePaths) -> Server:
    """Return the server on llm.sock. Bodies stay in memory: prompts are nothing for /tmp."""
    return unix_server(
        gateway_app(gateway),
        paths.llm_socket,
        mode=0o666,
        threads=THREADS,
        body_bytes_max=BODY_BYTES_MAX,
        spool_bytes=BODY_BYTES_MAX + 1024,
        connections_max=CONNECTIONS_MAX,
        peer_connections_max=PEER_CONNECTIONS_MAX,
    )
