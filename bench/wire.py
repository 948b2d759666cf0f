"""Many HTTP clients in one thread: kept Unix connections, one request out on each, answers by callback.

It costs a few microseconds a request, so that what is measured is the server.
"""

import json
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

HEAD_END = b"\r\n\r\n"
TURN_S = 0.05
RECEIVED_BYTES = 256 * 1024


def request(method: str, target: str, *, token: str = "", body: Any = None) -> bytes:
    """Return a request as it goes over the wire."""
    raw = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: bench"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    lines += ["Content-Type: application/json", f"Content-Length: {len(raw)}"] if raw else []
    return "\r\n".join(lines).encode() + HEAD_END + raw


class Line:
    """One connection. `answered` is called with (status, body) for each request."""

    def __init__(self, path: Path) -> None:
        self.answered: Callable[[int, bytes], None] = _ignore
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self._received = b""

    def ask(self, raw: bytes, answered: Callable[[int, bytes], None]) -> None:
        """Send a request; only one may be out at a time."""
        self.answered = answered
        self.socket.sendall(raw)

    def read(self) -> None:
        """Take what has arrived, and call `answered` once it is whole."""
        data = self.socket.recv(RECEIVED_BYTES)
        if not data:
            raise ConnectionError("the server hung up")
        self._received += data
        at = self._received.find(HEAD_END)
        if at < 0:
            return
        head = self._received[:at]
        size = _content_length(head)
        if len(self._received) - at - len(HEAD_END) < size:
            return
        body, self._received = self._received[at + len(HEAD_END) :], b""
        self.answered(int(head[9:12]), body)


class Connection(Protocol):
    """What the loop needs of a connection."""

    socket: socket.socket

    def read(self) -> None: ...


Speaking = TypeVar("Speaking", bound=Connection)


class Loop:
    """The one thread's loop over its lines."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._lines: dict[int, Connection] = {}

    def line(self, path: Path) -> Line:
        """Open a connection of this loop."""
        return self.add(Line(path))

    def add(self, made: Speaking) -> Speaking:
        """Take over a connection of any protocol: `read` is called whenever there is something."""
        self._lines[made.socket.fileno()] = made
        self._epoll.register(made.socket, select.EPOLLIN)
        return made

    def run(
        self, *, until: Callable[[], bool], each_turn: Callable[[], None] | None = None
    ) -> None:
        """Take answers until `until` says so; `each_turn` may send what is due by the clock."""
        turn_s = TURN_S if each_turn is None else 0.001
        while not until():
            for number, _ in self._epoll.poll(turn_s):
                self._lines[number].read()
            if each_turn is not None:
                each_turn()

    def close(self) -> None:
        for each in self._lines.values():
            each.socket.close()
        self._lines.clear()
        self._epoll.close()


def rate(
    path: Path, clients: int, make: Callable[[], bytes], *, seconds: float, status: int
) -> tuple[float, int]:
    """Return answers per second of `clients` that each ask, wait and ask again; and how many came."""
    loop, count, end = Loop(), [0], time.perf_counter() + seconds

    def again(line: Line) -> None:
        def answered(got: int, body: bytes) -> None:
            assert got == status, (got, body[:500])
            count[0] += 1
            if time.perf_counter() < end:
                again(line)

        line.ask(make(), answered)

    try:
        for _ in range(clients):
            again(loop.line(path))
        began = time.perf_counter()
        loop.run(until=lambda: time.perf_counter() >= end)
        return count[0] / (time.perf_counter() - began), count[0]
    finally:
        loop.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _ignore(_status: int, _body: bytes) -> None:
    return
