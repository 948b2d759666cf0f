"""Tokens used, read from a provider's answer as it passes: a stream of events, or one JSON document.

Format: https://docs.anthropic.com/en/api/messages-streaming. Counts in `message_delta` are
cumulative, so a later one replaces an earlier one and never adds to it.
"""

import json
from collections.abc import Mapping
from typing import Any

from agentctl.model.task import Usage

EVENT_BYTES_MAX = 1024 * 1024  # events with counts are under 2 KiB; larger ones are content
TOKEN_BYTES = 4  # of English text; other scripts have fewer, so this is a floor
FRAME_BYTES = 100  # of an event around its content
TOKENS_MAX = 2**40  # a number from the wire: more than any model will ever count

_FIELDS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}


def of_answer(document: Any) -> Usage:
    """Return the usage that a whole (unstreamed) answer names; zeros where it names none."""
    counts: dict[str, int] = {}
    _take(counts, document)
    return Usage(**counts)


class StreamUsage:
    """Reads a stream of server-sent events in chunks cut anywhere; keeps counts, nothing else.

    The provider says what it wrote when it has ended. Who hangs up just before has had all of it:
    of content behind the last count the size is taken, as tokens.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._uncounted_bytes = 0
        self._line = bytearray()
        self._line_bytes = 0
        self.finished = False

    def feed(self, chunk: bytes) -> None:
        """Read on. Whatever is no event, or too large to be one with counts, is passed over."""
        *ended, rest = chunk.split(b"\n")
        for each in ended:
            self._append(each)
            self._end_line()
        self._append(rest)

    def usage(self) -> Usage:
        """Return what was counted so far, and what came since by its size."""
        written = self._counts.get("output_tokens", 0) + self._uncounted_bytes // TOKEN_BYTES
        return Usage(**{**self._counts, "output_tokens": written})

    def _append(self, part: bytes) -> None:
        self._line_bytes += len(part)
        if self._line_bytes <= EVENT_BYTES_MAX:
            self._line += part
        else:
            self._line.clear()

    def _end_line(self) -> None:
        line = bytes(self._line)
        if self._line_bytes > EVENT_BYTES_MAX:
            self._uncounted_bytes += self._line_bytes
        self._line.clear()
        self._line_bytes = 0
        if line.startswith(b"data:"):
            self._event(line.removeprefix(b"data:"))

    def _event(self, data: bytes) -> None:
        if b'"message_' not in data:
            if b'"content_block_delta"' in data:
                self._content(data)
            return  # nearly every event is content, and content isn't ours to read
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return
        match event:
            case {"type": "message_start", "message": message}:
                _take(self._counts, message)
            case {"type": "message_delta"}:
                _take(self._counts, event)
                if "output_tokens" in _counted(event):
                    self._uncounted_bytes = 0
            case {"type": "content_block_delta"}:  # its text speaks of messages
                self._content(data)
            case {"type": "message_stop"}:
                self.finished = True

    def _content(self, data: bytes) -> None:
        self._uncounted_bytes += max(0, len(data) - FRAME_BYTES)


def _counted(document: Any) -> dict[str, int]:
    usage = document.get("usage") if isinstance(document, dict) else None
    return _tokens(usage) if isinstance(usage, dict) else {}


def _take(counts: dict[str, int], document: Any) -> None:
    counts.update(_counted(document))


def _tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    """Return the counts that are numbers of tokens; nulls, texts and nonsense are left out."""
    named = {ours: usage.get(theirs) for theirs, ours in _FIELDS.items()}
    return {
        name: value
        for name, value in named.items()
        if type(value) is int and 0 <= value <= TOKENS_MAX
    }
