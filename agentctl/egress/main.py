"""The egress process: its socket in the door, its hub, and the watch over tunnels under way."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentctl.client import Hub
from agentctl.egress.hub_side import ASK_TIMEOUT_S, HubSide
from agentctl.egress.open_tunnels import OpenTunnels
from agentctl.egress.proxy import Proxy
from agentctl.egress.resolver import Resolver
from agentctl.egress.room import Room
from agentctl.paths import StatePaths
from agentctl.web.bind import unix_socket
from agentctl.web.peer import peer_of

BACKLOG = 128
ACCEPT_AGAIN_S = 0.1  # out of descriptors: some tunnel will end
STOPPING_S = 3.0  # for tunnels to be ended and reported

log = logging.getLogger("agentctl.egress")


def run(paths: StatePaths, stop: threading.Event, *, resolver: Resolver | None = None) -> None:
    """Serve tunnels until `stop` is set, then end them.

    Raises Conflict (another egress listens there), ConfigError (the socket can't be made).
    """
    paths.prepare(paths.logs)
    listener = unix_socket(paths.egress_door, mode=0o666)
    inode = paths.egress_door.stat().st_ino
    try:
        asyncio.run(_serve(listener, paths, stop, resolver or Resolver()))
    finally:
        listener.close()
        _remove(paths.egress_door, inode)


async def _serve(
    listener: socket.socket, paths: StatePaths, stop: threading.Event, resolver: Resolver
) -> None:
    hub = HubSide(Hub(str(paths.egress_socket), timeout_s=ASK_TIMEOUT_S))
    tunnels = OpenTunnels(hub, now_s=time.monotonic)
    proxy = Proxy(hub=hub, resolver=resolver, tunnels=tunnels, room=Room(), now_s=time.monotonic)
    listener.setblocking(False)
    listener.listen(BACKLOG)
    serving: set[asyncio.Task[None]] = set()
    always = [asyncio.create_task(tunnels.watch())]
    always.append(asyncio.create_task(_accept(listener, proxy, serving)))
    log.info("egress ready", extra={"socket": str(paths.egress_door)})
    try:
        await asyncio.to_thread(stop.wait)
    finally:
        for each in always:
            each.cancel()
        tunnels.cut_all("egress is stopping")
        if serving:
            await asyncio.wait(serving, timeout=STOPPING_S)
        hub.close()
        resolver.close()


async def _accept(
    listener: socket.socket, proxy: Proxy, serving: "set[asyncio.Task[None]]"
) -> None:
    while True:
        try:
            client, _ = await asyncio.get_running_loop().sock_accept(listener)
        except OSError as cause:
            log.warning("no connection can be accepted now: %s", cause.strerror)
            await asyncio.sleep(ACCEPT_AGAIN_S)
            continue
        try:
            client.setblocking(False)
            _keep(serving, proxy.serve(client, peer_of(client)))
        except Exception:  # nobody starts accepting again: one connection is the smaller loss
            log.exception("a connection can't be served")
            client.close()


def _keep(serving: "set[asyncio.Task[None]]", work: Coroutine[Any, Any, None]) -> None:
    """Start a task and hold it until it has ended: the loop itself keeps only a weak reference."""
    task = asyncio.create_task(work)
    serving.add(task)
    task.add_done_callback(serving.discard)


def _remove(path: Path, inode: int) -> None:
    """Remove the socket's file, unless a successor has put its own there."""
    with suppress(FileNotFoundError):
        if path.lstat().st_ino == inode:
            path.unlink()
