"""A port on 127.0.0.1 that leads to a socket of the door: copies bytes, reads nothing.

Programs that speak HTTP to a host and port, as the CLI does, reach their model through one, and
declared destinations through another. It needs no credential of agentd's: gateway and egress ask
for the task's own.
"""

import contextlib
import select
import socket
import threading

from agentd import log

CONNECTIONS_MAX = 64  # a CLI with its sub-agents uses a dozen; a hostile one gets no more threads
_CONNECT_S = 5.0
_CHUNK_BYTES = 1 << 16
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
)
_BODY = b'{"type":"error","error":{"type":"overloaded_error","message":"%s"}}'


class Forwarder:
    """Listens at once; `serve_forever` copies."""

    def __init__(self, socket_path: str, *, to: str = "the model gateway") -> None:
        """`to` is what listens there, for the words of a refusal."""
        self._path = socket_path
        self._to = to.encode()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS_MAX)
        self._free = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self.port: int = self._listener.getsockname()[1]

    def serve_forever(self) -> None:
        """Accept connections for as long as the process lives, a bounded number at a time."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError as cause:  # out of descriptors: later it may go
                log.warning("forwarder.accept", why=cause.strerror or "")
                threading.Event().wait(0.1)
                continue
            if not self._free.acquire(blocking=False):
                _say_busy(client, b"too many connections to %s at once" % self._to)
                continue
            threading.Thread(target=self._carry, args=(client,), name="copy", daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            gateway = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            with client, gateway:
                try:
                    gateway.settimeout(_CONNECT_S)
                    gateway.connect(self._path)
                    gateway.settimeout(None)
                except OSError:
                    _say_busy(client, b"%s is away" % self._to)
                    return
                with contextlib.suppress(OSError):
                    copy_both_ways(client, gateway)
        finally:
            self._free.release()


def copy_both_ways(one: socket.socket, other: socket.socket) -> None:
    """Copy until both directions have ended; an end is passed on as an end. OSError on a break.

    A reader that is slow in one direction holds up nothing in the other: an upload goes on
    while nobody reads what the server says to it.
    """
    for each in (one, other):
        each.setblocking(False)
    ways = [_Way(one, other), _Way(other, one)]
    while left := [way for way in ways if not way.ended]:
        reading = [way.source for way in left if not way.waiting]
        writing = [way.sink for way in left if way.waiting]
        readable, writable, _ = select.select(reading, writing, [])
        for way in left:
            if way.waiting and way.sink in writable:
                way.pass_on()
            elif not way.waiting and way.source in readable:
                way.take()


class _Way:
    """One direction: at most a chunk waits in it."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.waiting = b""
        self.ended = False

    def take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.waiting = self.source.recv(_CHUNK_BYTES)
            if self.waiting:
                self.pass_on()
            else:
                self.ended = True
                self.sink.shutdown(socket.SHUT_WR)

    def pass_on(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self.waiting = self.waiting[self.sink.send(self.waiting) :]


def _say_busy(client: socket.socket, words: bytes) -> None:
    body = _BODY % words
    with client, contextlib.suppress(OSError):
        client.settimeout(1.0)
        client.sendall(_BUSY % (len(body), body))
        client.shutdown(socket.SHUT_WR)
        client.recv(_CHUNK_BYTES)  # what was asked: closing with it unread would reset the answer
