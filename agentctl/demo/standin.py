"""A stand-in model: answers the Messages API like a provider, records what it was asked, knows nothing.

It is what the demo talks to where no real provider answers, and what tests point providers
at. Good enough for the real Claude Code CLI. Also a program: `python -m agentctl.demo.standin`.
"""

import argparse
import json
import select
import socket
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from agentctl.demo.script import Answer, Request, as_events, as_message

BODY_BYTES_MAX = 64 * 1024 * 1024
REQUESTS_KEPT_MAX = 10_000
TURN_S = 0.05  # how soon a client that left is noticed

AnswerTo = Callable[[Request], Answer]


class Standin:
    """A model on `host`:`port` (0: any free one) between `start` and `close`, or as a context manager.

    `name` stands in what it says. `answer` scripts it: a function from request to Answer.
    `slow_s` may be set at any time: each later answer takes that long. So may `keys`: the API keys
    that it takes, None any.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        name: str = "private",
        answer: AnswerTo | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self.answer = answer or self._sentence
        self.slow_s = 0.0
        self.keys: frozenset[str] | None = None
        self._requests: deque[Request] = deque(maxlen=REQUESTS_KEPT_MAX)
        self._open: set[_Handler] = set()
        self._lock = threading.Lock()
        self._server = _Server((host, port), partial(_Handler, self))
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(
            target=partial(self._server.serve_forever, poll_interval=0.05), daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL to give to a provider."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def requests(self) -> tuple[Request, ...]:
        """All that was asked so far, oldest first."""
        with self._lock:
            return tuple(self._requests)

    @property
    def open_streams(self) -> int:
        """How many answers are under way."""
        return len(self._open)

    def drop(self) -> None:
        """Hang up on everyone in the middle of their answers, as a provider does that falls over."""
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.connection.shutdown(socket.SHUT_RDWR)

    def seen_text(self) -> str:
        """Return the bodies it was sent, as one text: what this model got to know."""
        return "\n".join(each.text for each in self.requests)

    def start(self) -> Self:
        """Begin to answer."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop, and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def record(self, request: Request) -> None:
        """Keep a request, for whoever wants to know what was sent here."""
        with self._lock:
            self._requests.append(request)

    @contextmanager
    def answering(self, handler: "_Handler") -> Iterator[None]:
        """Count an answer as under way while the block runs."""
        with self._lock:
            self._open.add(handler)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(handler)

    def _sentence(self, _request: Request) -> Answer:
        return Answer(text=f"This is the {self.name} stand-in model: it was asked, and it answers.")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: the gateway cuts calls, and does so on purpose."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    connection: socket.socket

    def __init__(self, standin: Standin, *args: Any) -> None:
        self._standin = standin
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the parent's name
        """Log nothing: prompts are nobody's business."""

    def do_HEAD(self) -> None:  # the parent's name; the CLI looks whether we are there
        self._send(200, b"", {})

    def do_GET(self) -> None:  # the parent's name; what a gateway's probe asks
        known = urlsplit(self.path).path in ("/v1/models", "/api/version")
        if not self._key_taken():
            self._error(401, "authentication_error", "invalid x-api-key")
        elif known:
            self._json(200, {"data": [], "version": "0.0.0"})
        else:
            self._error(404, "not_found_error", "there is nothing here")

    def _key_taken(self) -> bool:
        keys, (scheme, _, token) = (
            self._standin.keys,
            self.headers.get("Authorization", "").partition(" "),
        )
        given = {self.headers.get("X-Api-Key"), token if scheme == "Bearer" else None}
        return keys is None or bool(keys & given)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            self._error(413, "request_too_large", "the body is too large")
            return
        request = Request(
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        self._standin.record(request)
        with self._standin.answering(self):
            self._route(request)

    def _route(self, request: Request) -> None:
        path = urlsplit(request.path).path
        if not self._key_taken():
            self._error(401, "authentication_error", "invalid x-api-key")
        elif path == "/v1/messages/count_tokens":
            self._json(200, {"input_tokens": max(1, len(request.body) // 4)})
        elif path != "/v1/messages":
            self._error(404, "not_found_error", "there is nothing here")
        elif not isinstance(request.json, dict):
            self._error(400, "invalid_request_error", "the body is no JSON object")
        else:
            self._answer(request, self._standin.answer(request))

    def _answer(self, request: Request, answer: Answer) -> None:
        model = str(request.json.get("model", ""))
        if answer.raw is not None:
            self._wait(self._standin.slow_s)
            self._send(answer.status, answer.raw, dict(answer.headers))
        elif request.json.get("stream"):
            self._stream(answer, as_events(answer, model))
        elif self._wait(self._standin.slow_s) and self._hold(answer):
            self._json(answer.status, as_message(answer, model), dict(answer.headers))

    def _stream(self, answer: Answer, events: list[bytes]) -> None:
        """Send events one by one, spread over `slow_s`; the last waits for the answer's gate."""
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        pause_s = self._standin.slow_s / len(events)
        for event in events[:-1]:
            self._chunk(event)
            if not self._wait(pause_s):
                return
        if self._wait(pause_s) and self._hold(answer):
            self._chunk(events[-1])
            self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _wait(self, seconds: float) -> bool:
        """Wait, unless the client leaves; return whether it is still there."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._gone():
                return False
            time.sleep(min(TURN_S, left))
        return not self._gone()

    def _hold(self, answer: Answer) -> bool:
        """Wait for the answer's gate, where it has one, unless the client leaves."""
        while answer.gate is not None and not answer.gate.wait(TURN_S):
            if self._gone():
                return False
        return True

    def _gone(self) -> bool:
        poll = select.poll()
        poll.register(self.connection, select.POLLIN | select.POLLHUP)
        self.close_connection = self.close_connection or (
            bool(poll.poll(0)) and not socket.socket.recv(self.connection, 1, socket.MSG_PEEK)
        )
        return self.close_connection

    def _json(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(document).encode()
        self._send(status, body, {"Content-Type": "application/json", **(headers or {})})

    def _error(self, status: int, kind: str, message: str) -> None:
        self._json(status, {"type": "error", "error": {"type": kind, "message": message}})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until interrupted; print the base URL first."""
    parser = argparse.ArgumentParser(prog="python -m agentctl.demo.standin", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", default="private")
    given = parser.parse_args()
    with Standin(given.host, given.port, given.name) as standin:
        print(standin.url, flush=True)  # noqa: T201  # a program of its own, run by hand
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
