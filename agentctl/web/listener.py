"""A listening socket and its loop: waitress's server with a share of connections for each peer.

Uses waitress's private parts: see `requests`.
"""

import logging
import socket
import threading
import time
from collections import Counter
from typing import Any

from waitress import wasyncore
from waitress.server import TcpWSGIServer, UnixWSGIServer

from agentctl.model.principal import Peer
from agentctl.web import problems
from agentctl.web.channel import Channel
from agentctl.web.peer import peer_of
from agentctl.web.watched import Watched

REQUEST_S_MAX = (
    60.0  # for all of a request to arrive; 32 MiB over the slowest forwarded door takes 30
)
COUNTED_BODY_BYTES_MIN = 256 * 1024  # 1,200 connections with such a body take 300 MiB, no more
PEERS_AT_ONCE = 4  # so many fill the room for bodies together, and none does alone
LOOP_TURN_S = 1.0  # how often it looks for connections that are idle too long; work wakes it
CLOSING_TURN_S = 0.05
ACCEPT_PAUSE_S = 0.1  # when the process is out of file descriptors

log = logging.getLogger("agentctl.web")


class Listener:
    """Mixed into waitress's servers: who connects, how often, and an end that lets answers out."""

    peer_connections_max: int
    bodies_bytes_max: int
    active_channels: dict[int, Channel]
    adj: Any
    trigger: Any
    _fileno: int
    _map: Watched

    def __init__(
        self, *args: Any, peer_connections_max: int, bodies_bytes_max: int, **kwargs: Any
    ) -> None:
        self.peer_connections_max = peer_connections_max
        self.bodies_bytes_max = bodies_bytes_max
        self._held: Counter[str] = Counter()
        self._closing = threading.Event()
        self._served = threading.local()
        super().__init__(*args, **kwargs)

    def serving(self, channel: Channel) -> None:
        """Note whose request the calling thread answers."""
        self._served.channel = channel

    def pull_trigger(self) -> None:
        """Have the loop look at the connection that the calling thread answers, if it has to.

        waitress wakes its loop after each answer; here only one that waits for something else
        than before (to be written out, to be closed, to read again) is worth it.
        """
        channel = self._served.channel
        if self._map.changed(channel.number):
            self._map.attend(channel.number)
            self.trigger.pull_trigger()

    def handle_accept(self) -> None:
        """Accept one connection, unless its peer has its share already: then say so and hang up."""
        try:
            connection, address = self.socket.accept()  # type: ignore[attr-defined]
        except BlockingIOError:
            return
        except OSError as cause:
            log.warning("cannot accept a connection: %s", cause.strerror)
            time.sleep(ACCEPT_PAUSE_S)  # it stays readable: don't spin
            return
        try:
            peer = peer_of(connection)
            held_by = _share(peer, address)
            if self._held[held_by] >= self.peer_connections_max:
                _hang_up(connection)
                return
            self.set_socket_options(connection)  # type: ignore[attr-defined]
        except OSError:
            connection.close()  # it has gone already
            return
        self._held[held_by] += 1
        where = self.fix_addr(address)  # type: ignore[attr-defined]
        Channel(self, connection, where, self.adj, peer=peer, held_by=held_by, loop=self._map)

    def released(self, held_by: str) -> None:
        """Give back a peer's connection. Called by the loop's thread alone, as accepting is."""
        self._held[held_by] -= 1
        if self._held[held_by] <= 0:
            del self._held[held_by]

    def has_room(self, channel: Channel, body_bytes: int) -> bool:
        """Whether a body may come: within what all bodies may take, and a quarter of it for one peer.

        It is among the channel's own already. Counted anew each time, so nothing can be forgotten;
        small bodies need no counting, the bound on connections is theirs. Called by the loop's
        thread alone.
        """
        if body_bytes <= COUNTED_BODY_BYTES_MIN:
            return True
        here = [(each.held_by, each.body_bytes) for each in self.active_channels.values()]
        peers = sum(size for held_by, size in here if held_by == channel.held_by)
        return (
            peers <= max(self.bodies_bytes_max // PEERS_AT_ONCE, body_bytes)
            and sum(size for _, size in here) <= self.bodies_bytes_max
        )

    def maintenance(self, now: float) -> None:
        """Close what is idle too long, and what drips: a byte now and then keeps nothing open."""
        super().maintenance(now)  # type: ignore[misc]
        for channel in self.active_channels.values():
            if channel.drips(longer_than_s=REQUEST_S_MAX):
                channel.will_close = True
            if channel.will_close:
                self._map.attend(channel.number)

    def is_closing(self) -> bool:
        """Whether the server is going: who waits on behalf of a client answers now."""
        return self._closing.is_set()

    def begin_closing(self) -> None:
        """Tell the loop to end; any thread may call it."""
        self._closing.set()
        self.trigger.pull_trigger()

    def serve(self, *, grace_s: float) -> None:
        """Run the loop until `begin_closing`; then take no more, and give answers `grace_s` to get out."""
        while not self.is_closing():
            self._map.attend(self._fileno)  # asked what it waits for, it does its housekeeping
            self._map.turn(LOOP_TURN_S)
        wasyncore.dispatcher.close(self)
        deadline = time.monotonic() + grace_s
        while self._busy() and time.monotonic() < deadline:
            self._map.turn(CLOSING_TURN_S)
        for channel in list(self.active_channels.values()):
            channel.handle_close()
        self._map.close()

    def _busy(self) -> bool:
        return any(channel.busy for channel in self.active_channels.values())


class UnixListener(Listener, UnixWSGIServer):  # type: ignore[misc]
    """On a Unix socket, already bound."""


class TcpListener(Listener, TcpWSGIServer):  # type: ignore[misc]
    """On a TCP socket, already bound."""


def _share(peer: Peer, address: Any) -> str:
    """Return under which name a peer's connections count: container, else account, else address."""
    if peer.pid < 0:
        return str(address[0])
    return peer.container or f"uid:{peer.uid}"


_BUSY_BODY = problems.as_bytes(
    problems.problem_of_status(429, "this peer has all the connections that one may have here")
)
_BUSY = b"\r\n".join(
    [
        b"HTTP/1.1 429 Too Many Requests",
        b"Connection: close",
        b"Content-Type: " + problems.CONTENT_TYPE.encode(),
        b"Content-Length: " + str(len(_BUSY_BODY)).encode(),
        b"Retry-After: 1",
        b"",
        _BUSY_BODY,
    ]
)


def _hang_up(connection: socket.socket) -> None:
    with connection:
        connection.setblocking(False)
        connection.send(_BUSY)  # a fresh connection's buffer holds it
