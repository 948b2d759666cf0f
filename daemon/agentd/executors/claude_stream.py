"""Reads the CLI's stream-json: what was said so far, the counts, and the result when it comes."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from agentd.assignment import Budget
from agentd.executors.executor import Report
from agentd.lines import Lines
from agentd.outcome import Progress, Usage
from agentd.report import TEXT_BYTES_MAX
from agentd.stop import Stop, StopReason
from agentd.strict_json import Malformed, loads

_TEXTS_KEPT = 64  # the last things said, for a partial result
_SYNTHETIC = "<synthetic>"  # the CLI's own words about an error, not the model's


@dataclass(slots=True, kw_only=True)
class Said:
    """What the stream has told. `result` is the last event; None until the CLI has said it."""

    events: int = 0
    session: str = ""
    result: dict[str, Any] | None = None
    tools: int = 0
    texts: deque[str] = field(default_factory=lambda: deque(maxlen=_TEXTS_KEPT))
    usage_by_message: dict[str, Usage] = field(default_factory=dict)

    @property
    def turns(self) -> int:
        """How many times the model has answered."""
        return len(self.usage_by_message)

    @property
    def usage(self) -> Usage:
        """The sum over the model's answers so far."""
        each = self.usage_by_message.values()
        return Usage(
            input_tokens=sum(one.input_tokens for one in each),
            output_tokens=sum(one.output_tokens for one in each),
            cache_read_tokens=sum(one.cache_read_tokens for one in each),
            cache_write_tokens=sum(one.cache_write_tokens for one in each),
        )


class ClaudeStream:
    """A child's Sink: parses events, reports progress, asks to stop when the token budget is spent."""

    def __init__(self, budget: Budget, *, report: Report, stop: Stop) -> None:
        self._lines = Lines()
        self._budget = budget
        self._report = report
        self._stop = stop
        self.said = Said()

    @property
    def finished(self) -> bool:
        """Whether the result has come."""
        return self.said.result is not None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of standard output."""
        for line in self._lines.feed(chunk):
            event = _event(line)
            if event is not None:
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        said = self.said
        said.events += 1
        if isinstance(session := event.get("session_id"), str):
            said.session = session
        if event.get("type") == "result":
            said.result = event
        elif event.get("type") == "assistant" and isinstance(event.get("message"), dict):
            self._answered(event["message"])

    def _answered(self, message: dict[str, Any]) -> None:
        said = self.said
        if message.get("model") == _SYNTHETIC:
            return
        content = message.get("content")
        for block in content if isinstance(content, list) else []:
            if isinstance(block, dict) and isinstance(block.get("text"), str):
                said.texts.append(block["text"][:TEXT_BYTES_MAX])
            said.tools += isinstance(block, dict) and block.get("type") == "tool_use"
        # One answer comes as several events, a block each, all with the same usage.
        said.usage_by_message[str(message.get("id"))] = usage(message.get("usage"))
        counted = said.usage
        self._report(
            Progress(
                turns=said.turns,
                tools=said.tools,
                input_tokens=counted.input_tokens,
                output_tokens=counted.output_tokens,
            )
        )
        most = self._budget.tokens
        if most is not None and counted.input_tokens + counted.output_tokens >= most:
            self._stop.request(StopReason.BUDGET)


def usage(counts: Any) -> Usage:
    """Return a `usage` object of the Messages API as a value; what is missing counts as 0."""
    if not isinstance(counts, dict):
        return Usage()
    return Usage(
        input_tokens=_count(counts.get("input_tokens")),
        output_tokens=_count(counts.get("output_tokens")),
        cache_read_tokens=_count(counts.get("cache_read_input_tokens")),
        cache_write_tokens=_count(counts.get("cache_creation_input_tokens")),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = loads(line)
    except Malformed:
        return None  # a stray line of a tool, or an event over our bounds
    return event if isinstance(event, dict) else None
