"""A gateway on real sockets between a scripted hub and stand-in models."""

import http.client
import json
import shutil
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from agentctl.demo.standin import Standin
from agentctl.gateway.main import run
from agentctl.paths import StatePaths

TOKEN = "mt1.task-1.1.secret-of-the-task"
KEY = "sk-real-key"
RIDE_S = 2.5  # long enough for two probes, and for a test to see that a call waits


def until(look: Callable[[], Any], *, within_s: float = 5.0, what: str = "it") -> Any:
    """Return the first true answer of `look`; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {within_s} s")


class Hub:
    """Grants calls as scripted and remembers what it was told."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.provider: dict[str, Any] = {}
        self.problem: tuple[int, dict[str, Any]] | None = None
        self.asked: list[dict[str, Any]] = []
        self.usage: dict[str, dict[str, Any]] = {}
        self.stale: set[str] = set()
        self.looks: list[list[str]] = []
        self.forgotten: set[str] = set()
        self.generation = 1
        self.keys_told: list[dict[str, Any]] = []
        self.holds: list[dict[str, Any]] = []
        self.task, self.attempt, self.agent = "task-1", 1, "thinker"
        self._server: socketserver.ThreadingUnixStreamServer | None = None

    def start(self) -> None:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = hub.answer(self.path, body)
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self._path.unlink(missing_ok=True)
        self._server = Server(str(self._path), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._path.unlink(missing_ok=True)
            self._server = None

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path == "/api/hub/model-calls/current":
            self.looks.append(body["calls"])
            unknown = self.stale | self.forgotten
            return 200, {"current": [each for each in body["calls"] if each not in unknown]}
        if path == "/api/hub/providers":
            self.keys_told.append(body)
            answer = {"generation": self.generation, "providers": [self.provider]}
            return 200, {**answer, "away": self.holds}
        if path.endswith("/usage"):
            self.usage[path.split("/")[4]] = body
            return 200, {}
        if path == "/api/hub/model-calls" and self.stale:
            return 409, {"type": "urn:agentctl:problem:conflict", "detail": "no longer current"}
        self.asked.append(body)
        if self.problem:
            status, problem = self.problem
            return status, {"type": f"urn:agentctl:problem:{problem['type']}", **problem}
        call = f"call-{len(self.asked)}"
        lease = {"task": self.task, "attempt": self.attempt, "agent": self.agent}
        return 200, {"call": call, **lease, "provider": self.provider}


class Door:
    """The agents' side of llm.sock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("localhost", timeout=20)
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.settimeout(20)
        connection.sock.connect(str(self.path))
        return connection

    def open(
        self,
        path: str = "/claude/v1/messages",
        body: Any = None,
        *,
        method: str = "POST",
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> http.client.HTTPResponse:
        """Send one call; return its answer with the head read and the body to come."""
        document = {"model": "m", "max_tokens": 9, "messages": [], **members}
        raw = body if isinstance(body, bytes) else json.dumps(document).encode()
        given = {"authorization": f"Bearer {TOKEN}"} if headers is None else headers
        connection = self.connect()
        connection.request(method, path, raw, {"content-type": "application/json", **given})
        return connection.getresponse()

    def ask(self, *args: Any, **more: Any) -> tuple[int, dict[str, str], bytes]:
        response = self.open(*args, **more)
        with response:
            body = response.read()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, body

    def error(self, *args: Any, **more: Any) -> tuple[int, str, str]:
        """Return status, error type and message of a refusal in the API's words."""
        status, _, body = self.ask(*args, **more)
        document = json.loads(body)
        assert document["type"] == "error"
        return status, document["error"]["type"], document["error"]["message"]


class Stage:
    def __init__(self, hub: Hub, door: Door, model: Standin, log: pytest.LogCaptureFixture) -> None:
        self.hub = hub
        self.door = door
        self.model = model
        self.log = log


@pytest.fixture
def stage(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Stage]:
    """A running gateway whose hub grants provider `claude` (kind anthropic) at the stand-in."""
    paths = StatePaths(tmp_path / "state")
    paths.prepare()
    key = tmp_path / "key"
    key.write_text(f"{KEY}\n")
    hub = Hub(paths.gateway_socket)
    hub.start()
    stop = threading.Event()
    ended_well: list[bool] = []

    def serve() -> None:
        run(paths, stop, ride_s=RIDE_S)
        ended_well.append(True)

    gateway = threading.Thread(target=serve, daemon=True)
    caplog.set_level("DEBUG")
    try:
        with Standin(name="test") as model:
            hub.provider = {
                "name": "claude",
                "kind": "anthropic",
                "base_url": model.url,
                "model": "m",
                "boundary": "public",
                "api_key": {"kind": "file", "name": str(key), "argv": []},
            }
            gateway.start()
            until(lambda: "gateway ready" in caplog.text, what="a listening gateway")
            yield Stage(hub, Door(paths.llm_socket), model, caplog)
            stop.set()
            gateway.join(20)
            assert ended_well, "the gateway stops when it is told to, and without an error"
    finally:
        stop.set()
        hub.stop()
        shutil.rmtree(paths.runtime, ignore_errors=True)
    for secret in (TOKEN, KEY):
        assert secret not in caplog.text, "credentials are never logged"
