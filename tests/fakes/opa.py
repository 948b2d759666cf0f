"""An OPA server of the tests' own: the REST API's one route, deciding by the sample Rego with regopy.

`manner` makes it behave badly instead. Ones made up answer in `raw` bytes whatever is asked.
"""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from regopy import Interpreter

from agentctl.model.fleet import Opa

POLICY = Path(__file__).resolve().parents[2] / "policies/opa/agentctl.rego"
PATH = "/v1/data/agentctl/decision"

ANSWERS: dict[str, tuple[int, bytes]] = {
    "allow": (200, b'{"result": {"allow": true}}'),
    "undefined": (200, b"{}"),
    "garbage": (200, b"<html>a proxy's page</html>"),
    "huge": (200, b'{"result": {"allow": true, "more": "' + b"x" * 200_000 + b'"}}'),
    "redirect": (307, b""),
    "error": (500, b'{"code": "internal_error"}'),
    "text": (200, b'{"result": {"allow": "true"}}'),
    "one": (200, b'{"result": {"allow": 1}}'),
    "bare": (200, b'{"result": true}'),
    "twice": (200, b'{"result": {"allow": false, "allow": true}}'),
    "accepted": (202, b'{"result": {"allow": true}}'),
}


class Rego:
    """The sample policy, built once; regopy's interpreter is no place for two threads at once."""

    def __init__(self, policy: str) -> None:
        self._lock = threading.Lock()
        self._interpreter = Interpreter()
        self._interpreter.add_module("agentctl", policy)
        self._bundle = self._interpreter.build("data.agentctl.decision", ["agentctl/decision"])

    def decide(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return the policy's document for an input, as OPA's `result` has it."""
        with self._lock:
            self._interpreter.set_input(asked)
            said = json.loads(str(self._interpreter.query_bundle(self._bundle)))
        found: dict[str, Any] = said["expressions"][0]
        return found


def refusing(*targets: str) -> Rego:
    """Return a policy that refuses what is done to these targets, and nothing else."""
    listed = ", ".join(json.dumps(each) for each in targets)
    return Rego(
        "package agentctl.decision\n"
        f"refused if input.target in {{{listed}}}\n"
        "default allow := true\n"
        "allow := false if refused\n"
        'reason := "not to this one" if refused\n'
    )


@cache
def sample() -> Rego:
    return Rego(POLICY.read_text())


@dataclass
class OpaStandIn:
    """The running server: what it was asked, over how many connections, and how it behaves."""

    port: int = 0
    scheme: str = "http"
    manner: str = "policy"
    delay_s: float = 0.0
    rego: "Rego" = field(default_factory=lambda: sample())
    asked: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    token: str = ""  # what it wants to be shown, if anything
    at_once: int = 0
    at_once_most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def settings(self, **changes: Any) -> Opa:
        return Opa(**{"enabled": True, "url": self.url, **changes})

    def verbs(self) -> list[str]:
        return [each["verb"] for each in self.asked]


@contextmanager
def opa_server(
    manner: str = "policy", *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[OpaStandIn]:
    """Serve until the block is left; `port` 0 takes one that is free."""
    of = OpaStandIn(manner=manner)
    server = _Quiet(("127.0.0.1", port), _handler(of))
    server.daemon_threads = True
    if tls is not None:
        of.scheme = "https"
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    of.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield of
    finally:
        of.manner = "gone"
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """Clients that gave up waiting are what is tested."""


def _handler(of: OpaStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            of.connections += 1
            self.answered = 0

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with of.lock:
                of.at_once += 1
                of.at_once_most = max(of.at_once, of.at_once_most)
                of.asked.append(body["input"])
            with suppress(OSError):
                if of.token and self.headers["Authorization"] != f"Bearer {of.token}":
                    self._answer(401, b'{"code": "unauthorized"}')
                else:
                    self._behave(body["input"])
            with of.lock:
                of.at_once -= 1

        def _behave(self, asked: dict[str, Any]) -> None:
            if of.delay_s:
                time.sleep(of.delay_s)
            match of.manner:
                case "policy":
                    said = {"result": of.rego.decide(asked)} if self.path == PATH else {}
                    self._answer(200, json.dumps(said).encode())
                case "drip" | "drip-headers":
                    self._drip()
                case "closes" | "gone":
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                case "impatient":  # answers, and closes the connection without having said so
                    self._answer(*ANSWERS["allow"])
                    self.close_connection = True
                case "once" if self.answered:  # closes a kept connection when it is used again
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                case "once":
                    self.answered += 1
                    self._answer(*ANSWERS["allow"])
                case made_up:
                    self._answer(*ANSWERS[made_up])

        def _answer(self, status: int, body: bytes) -> None:
            head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n"
            if status == 307:
                head += f"Location: {of.url}/elsewhere\r\n"
            self.wfile.write(head.encode() + b"\r\n" + body)

        def _drip(self) -> None:
            """Send an answer that would be a yes, byte for byte, each well within the timeout."""
            status, body = ANSWERS["allow"]
            head = f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            if of.manner == "drip":
                self.wfile.write(head)
            for each in body if of.manner == "drip" else head + body:
                self.wfile.write(bytes([each]))
                time.sleep(0.03)

        def log_message(self, *_: Any) -> None:
            return

    return Handler
