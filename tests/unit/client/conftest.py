"""A hub of a few lines on a Unix socket: it records, answers as scripted, hangs up when told."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest


class ScriptedHub(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []
        self.connections = 0
        self.closed = 0
        self.reply: tuple[int, dict[str, str], bytes] = (200, {}, b'{"ok": true}')
        self.hang_up_after_answer = False
        self.hang_up_before_answer = 0
        self.hold = threading.Event()
        self.hold.set()
        super().__init__(str(path), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.closed += 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedHub

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def _any(self) -> None:
        hub = self.server
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        hub.seen.append((self.command, self.path, headers, body))
        hub.hold.wait(10)
        if hub.hang_up_before_answer:
            hub.hang_up_before_answer -= 1
            self.close_connection = True
            return
        status, extra, answer = hub.reply
        self.send_response(status)
        for name, value in {**extra, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = self.close_connection or hub.hang_up_after_answer

    do_GET = do_POST = do_DELETE = _any  # noqa: N815


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ScriptedHub]:
    with ScriptedHub(tmp_path / "hub.sock") as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.hold.set()
        server.shutdown()
