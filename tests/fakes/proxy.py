"""A proxy on a Unix socket that loses, doubles, delays and repeats requests, or takes the hub away.

It runs within the test, so that the hub sees the test's process as the peer: instances that are
to speak through it are bound to that process.
"""

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

Fate = Literal["pass", "lose request", "lose answer", "double", "delay", "repeat an older one"]
DELAY_S_MAX = 0.3


class Proxy:
    """Listens on `door`, forwards each request to `hub` as `fate` says; `gone` cuts everything."""

    def __init__(self, door: Path, hub: Path, fate: Callable[[], Fate] = lambda: "pass") -> None:
        self.gone = False
        self.fates: list[Fate] = []
        self._hub = hub
        self._fate = fate
        self._older: list[bytes] = []
        self._open: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(door))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Take the hub away: open connections end, new ones are not answered."""
        self.gone = True
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        self.gone = False

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            with suppress(OSError), client:
                while not self.gone and (request := read_message(client)):
                    answer = self._handled(request)
                    if not answer:
                        return
                    client.sendall(answer)
        finally:
            self._open.discard(client)

    def _handled(self, request: bytes) -> bytes:
        """Return what the client is answered; nothing when the connection is to end instead."""
        fate = self._fate()
        self.fates.append(fate)
        match fate:
            case "lose request":
                return b""
            case "lose answer":
                self._forward(request)
                return b""
            case "double":
                self._forward(request)
            case "delay":
                time.sleep(random.random() * DELAY_S_MAX)
            case "repeat an older one" if self._older:
                self._forward(random.choice(self._older))
        self._older.append(request)
        return b"" if self.gone else self._forward(request)

    def _forward(self, request: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as hub:
            try:
                hub.connect(str(self._hub))
                hub.sendall(request)
                return read_message(hub)
            except OSError:
                return b""


def read_message(source: socket.socket) -> bytes:
    """Return one HTTP/1.1 message with its Content-Length body; nothing at the end of the stream."""
    read = b""
    while b"\r\n\r\n" not in read:
        chunk = source.recv(65536)
        if not chunk:
            return b""
        read += chunk
    head, _, body = read.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        chunk = source.recv(65536)
        if not chunk:
            return b""
        body += chunk
    return head + b"\r\n\r\n" + body
