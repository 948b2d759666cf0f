"""A client that says exactly what it is told to, and apps to say it to."""

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentctl.web.servers import Server


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer with who asks and how long the body was."""
    peer = environ["agentctl.peer"]
    body = environ["wsgi.input"].read()
    found = {"pid": peer.pid, "uid": peer.uid, "container": peer.container, "bytes": len(body)}
    raw = json.dumps(found).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [raw]


class Line:
    """One connection to a Unix socket."""

    def __init__(self, path: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(10)
        self.sock.connect(str(path))
        self._kept = b""

    def say(self, raw: bytes) -> "Line":
        self.sock.sendall(raw)
        return self

    def all(self) -> bytes:
        """Return everything up to the end of the connection."""
        while self._more():
            pass
        return self._take(len(self._kept))

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Return one answer with a Content-Length: status, headers, body."""
        while b"\r\n\r\n" not in self._kept:
            assert self._more(), f"the connection ended after {self._kept!r}"
        first, *lines = self._take(self._kept.index(b"\r\n\r\n") + 4).decode().split("\r\n")[:-2]
        headers = {key.lower(): value for key, _, value in (each.partition(": ") for each in lines)}
        while len(self._kept) < int(headers["content-length"]):
            assert self._more(), "the connection ended in the body"
        return int(first.split()[1]), headers, self._take(int(headers["content-length"]))

    def _more(self) -> bytes:
        piece = self.sock.recv(65536)
        self._kept += piece
        return piece

    def _take(self, size: int) -> bytes:
        taken, self._kept = self._kept[:size], self._kept[size:]
        return taken

    def close(self) -> None:
        self.sock.close()


class Gate:
    """An app that waits on behalf of its client, as a long poll does, until told or left alone."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.ended: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if environ["PATH_INFO"] != "/wait":
            return echo(environ, start_response)
        self.entered.release()
        why = "told"
        while not self.open.wait(0.01):
            if environ["waitress.client_disconnected"]():
                why = "left"
                break
            if environ["agentctl.closing"]():
                why = "closing"
                break
        self.ended.append(why)
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "4")])
        return [b"done"]


def until(look: Callable[[], Any], *, within_s: float = 10.0) -> Any:
    """Return the first true answer of `look`."""
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)
    return found


Serve = Callable[..., Server]
