"""The server-sent events of POST /v1/messages, read into text, usage and the reason it stopped."""

from dataclasses import dataclass, field
from typing import Any

from agentd.executors.claude_stream import usage
from agentd.lines import Lines
from agentd.outcome import Usage
from agentd.report import TEXT_BYTES_MAX
from agentd.strict_json import Malformed, loads

_DATA = b"data:"
_TEXT_CHARS_MAX = TEXT_BYTES_MAX + 1  # one more, so that the report sees that it was cut


@dataclass(slots=True, kw_only=True)
class MessageStream:
    """Feed it bytes; `over` when the answer is whole; `error` when the server broke it off."""

    over: bool = False
    error: str = ""
    stop_reason: str = ""
    usage: Usage = field(default_factory=Usage)
    _parts: list[str] = field(default_factory=list)
    _chars: int = 0
    _lines: Lines = field(default_factory=Lines)

    @property
    def text(self) -> str:
        """What the model has said so far."""
        return "".join(self._parts)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        for line in self._lines.feed(chunk):
            event = _event(line)
            if event is not None:
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        match event.get("type"):
            case "message_start":
                self._count(_inner(event, "message").get("usage"))
            case "content_block_delta":
                self._say(_inner(event, "delta").get("text"))
            case "message_delta":
                self.stop_reason = str(_inner(event, "delta").get("stop_reason") or "")
                self._count(event.get("usage"))
            case "message_stop":
                self.over = True
            case "error":
                self.error = str(_inner(event, "error").get("message") or "the stream broke off")

    def _say(self, text: Any) -> None:
        if isinstance(text, str) and self._chars < _TEXT_CHARS_MAX:
            self._parts.append(text[: _TEXT_CHARS_MAX - self._chars])
            self._chars += len(self._parts[-1])

    def _count(self, counts: Any) -> None:
        # Counts are cumulative, and a later event may leave some out.
        now, was = usage(counts), self.usage
        self.usage = Usage(
            input_tokens=max(now.input_tokens, was.input_tokens),
            output_tokens=max(now.output_tokens, was.output_tokens),
            cache_read_tokens=max(now.cache_read_tokens, was.cache_read_tokens),
            cache_write_tokens=max(now.cache_write_tokens, was.cache_write_tokens),
        )


def _inner(event: dict[str, Any], name: str) -> dict[str, Any]:
    inner = event.get(name)
    return inner if isinstance(inner, dict) else {}


def _event(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(_DATA):
        return None  # event names repeat the data's type; comments keep the line open
    try:
        event = loads(line[len(_DATA) :])
    except Malformed:
        return None
    return event if isinstance(event, dict) else None
