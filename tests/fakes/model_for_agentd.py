"""A stand-in model behind a Unix socket, as the gateway's llm.sock is: answers POST /<provider>/v1/messages.

It says what its script holds; the requests it got are kept.
"""

import contextlib
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

INPUT_TOKENS = 12
CACHE_READ_TOKENS = 3
CACHE_WRITE_TOKENS = 4
OUTPUT_TOKENS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Answer with text."""

    text: str = "hello from the stand-in"
    stop_reason: str = "end_turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class UseTool:
    """Answer with a call of a tool."""

    name: str
    input: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer with an error status."""

    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Begin an answer and say no more."""


Step = Say | UseTool | Refuse | Hang
Script = Callable[[dict[str, Any]], Step]


def tool_results(body: dict[str, Any]) -> int:
    """Return how many results of tools a request carries."""
    blocks = [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
    ]
    return sum(block.get("type") == "tool_result" for block in blocks)


@dataclass(slots=True)
class ModelForAgentd:
    """Requests as (path, authorization, body). `script` gives the answer to each."""

    socket: Path
    script: Script = lambda _body: Say()
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def serving(self) -> Iterator["ModelForAgentd"]:
        """Listen while the block runs."""
        server = _Server(str(self.socket), _handler(self))
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield self
        finally:
            self.over.set()
            server.shutdown()
            server.server_close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a client that was stopped


def _handler(model: ModelForAgentd) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the parent's name
            return

        def do_GET(self) -> None:
            self._json(404, {"type": "error", "error": {"type": "not_found_error", "message": ""}})

        do_HEAD = do_GET  # noqa: N815 - http.server's name

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "count_tokens" in self.path:
                self._json(200, {"input_tokens": INPUT_TOKENS})
                return
            model.requests.append((self.path, self.headers.get("Authorization", ""), body))
            step = model.script(body)
            if isinstance(step, Refuse):
                words = {"type": "made_up", "message": "as the test wants it"}
                self._json(step.status, {"type": "error", "error": words})
            else:
                self._stream(body["model"], step)

        def _json(self, status: int, document: dict[str, Any]) -> None:
            encoded = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(encoded)

        def _stream(self, name: str, step: Say | UseTool | Hang) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            for event in _events(name, step, number=len(model.requests)):
                self.wfile.write(f"event: {event['type']}\n".encode())
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()
            if isinstance(step, Hang):
                model.over.wait(60)

    return Handler


def _events(name: str, step: Say | UseTool | Hang, *, number: int) -> Iterator[dict[str, Any]]:
    usage = {
        "input_tokens": INPUT_TOKENS,
        "output_tokens": 1,
        "cache_read_input_tokens": CACHE_READ_TOKENS,
        "cache_creation_input_tokens": CACHE_WRITE_TOKENS,
    }
    message: dict[str, Any] = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": name,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    yield {"type": "message_start", "message": message}
    match step:
        case Hang():
            return
        case Say(text=text, stop_reason=stop_reason):
            block: dict[str, Any] = {"type": "text", "text": ""}
            delta: dict[str, Any] = {"type": "text_delta", "text": text}
        case UseTool(name=tool, input=given):
            stop_reason = "tool_use"
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(given)}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason, "stop_sequence": None},
        "usage": {"output_tokens": OUTPUT_TOKENS},
    }
    yield {"type": "message_stop"}
