"""A socket that keeps one deadline over all that is done with it.

A socket's own timeout counts for each read anew: a server that sends a byte now and then
holds its client for as long as it likes.
"""

import io
import socket
import time
from typing import Any


def left(deadline_s: float) -> float:
    """Return the seconds until `deadline_s` (time.monotonic). Raises TimeoutError when it has passed."""
    seconds = deadline_s - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time is up")
    return seconds


class TimedSocket:
    """What http.client wants of a socket, each operation within what is left until the deadline."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock = sock
        self.deadline_s = deadline_s

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(left(self.deadline_s))
        self._sock.sendall(data)

    def recv_into(self, buffer: Any) -> int:
        self._sock.settimeout(left(self.deadline_s))
        return self._sock.recv_into(buffer)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()


class _Incoming(io.RawIOBase):
    """The socket's bytes as a file; closing it leaves the socket open for the next answer."""

    def __init__(self, sock: TimedSocket) -> None:
        self._of = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._of.recv_into(buffer)
