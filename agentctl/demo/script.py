"""What a stand-in model says: an answer as one message, or as the events it is streamed in.

Format: https://docs.anthropic.com/en/api/messages-streaming.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

INPUT_TOKENS = 21  # the same for every request, so that tests can add up
TOKEN_CHARS = 4


@dataclass(frozen=True, kw_only=True)  # no slots: a cached property needs the dict
class Request:
    """What the stand-in was asked; header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    @cached_property
    def json(self) -> Any:
        """The body's JSON value, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that the model asks its client to run."""

    name: str
    input: Mapping[str, Any]
    id: str = "toolu_standin_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to say: text in `parts` pieces, then tools; or `raw` bytes as they are (for errors).

    With a `gate` the end of the answer waits until it is set.
    """

    text: str = ""
    tools: tuple[Tool, ...] = ()
    parts: int = 3
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    gate: threading.Event | None = None

    @property
    def output_tokens(self) -> int:
        return max(1, len(self.text) // TOKEN_CHARS)

    @property
    def stop_reason(self) -> str:
        return "tool_use" if self.tools else "end_turn"


def error(status: int, kind: str, message: str) -> Answer:
    """Return a provider's refusal, as it words them."""
    body = {"type": "error", "error": {"type": kind, "message": message}}
    return Answer(
        status=status,
        raw=json.dumps(body).encode(),
        headers=(("Content-Type", "application/json"),),
    )


def as_message(answer: Answer, model: str) -> dict[str, Any]:
    """Return the whole answer as one message."""
    return {
        **_head(model),
        "content": [{"type": "text", "text": answer.text}, *map(_tool, answer.tools)],
        "stop_reason": answer.stop_reason,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": answer.output_tokens},
    }


def as_events(answer: Answer, model: str) -> list[bytes]:
    """Return the answer as server-sent events, message_start to message_stop."""
    return [
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        for event in _events(answer, model)
    ]


def _events(answer: Answer, model: str) -> Iterator[dict[str, Any]]:
    usage = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
    message = {**_head(model), "content": [], "stop_reason": None, "usage": usage}
    yield {"type": "message_start", "message": message}
    texts = ({"type": "text_delta", "text": part} for part in _parts(answer))
    yield from _block(0, {"type": "text", "text": ""}, texts)
    for index, tool in enumerate(answer.tools, start=1):
        part = {"type": "input_json_delta", "partial_json": json.dumps(dict(tool.input))}
        yield from _block(index, {**_tool(tool), "input": {}}, iter([part]))
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": answer.stop_reason, "stop_sequence": None},
        "usage": {"output_tokens": answer.output_tokens},
    }
    yield {"type": "message_stop"}


def _block(
    index: int, start: dict[str, Any], deltas: Iterator[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    yield {"type": "content_block_start", "index": index, "content_block": start}
    for each in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": each}
    yield {"type": "content_block_stop", "index": index}


def _parts(answer: Answer) -> list[str]:
    size = max(1, -(-len(answer.text) // answer.parts))
    return [answer.text[at : at + size] for at in range(0, len(answer.text), size)]


def _tool(tool: Tool) -> dict[str, Any]:
    return {"type": "tool_use", "id": tool.id, "name": tool.name, "input": dict(tool.input)}


def _head(model: str) -> dict[str, Any]:
    return {
        "id": "msg_standin",
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_sequence": None,
    }
