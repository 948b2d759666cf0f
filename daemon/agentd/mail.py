"""What other agents sent, as the hub hands it over; parsed strictly, trusted in nothing but its envelope."""

import json
from dataclasses import dataclass, field
from typing import Any

from agentd.strict_json import Malformed, Reader

# Of a message in one view, and of all messages in it: the CLI spills an answer of some 50,000 UTF-16
# units into a file that the model sees the name of, and a character may count as two of them.
PART_CHARS = 24_000
TYPES = frozenset({"request", "reply", "event", "broadcast", "delegated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message. `sender`, `label` and `type` are the hub's word; the payload is the sender's.

    `answers` is the request that a reply answers, `task` the sub-task that a result is of.
    """

    id: str
    type: str
    sender: str
    label: str
    kind: str
    payload: dict[str, Any] = field(repr=False)
    topic: str = ""
    answers: str = ""
    task: str = ""
    expires_in_s: float = 0.0

    @property
    def about(self) -> str:
        """The request that a reply answers, the task that a result is of, "" for anything else."""
        return self.answers or self.task

    @property
    def body(self) -> str:
        """What the sender said, as a model reads it: plain text as it is, all else as JSON."""
        text = self.payload.get("text")
        if self.kind == "text" and isinstance(text, str) and set(self.payload) == {"text"}:
            return text
        return json.dumps(self.payload, ensure_ascii=False, indent=1)

    @property
    def parts(self) -> int:
        """How many views it takes to read it."""
        return max(1, -(-len(self.body) // PART_CHARS))


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is read at once; `more` wait in the inbox, `dropped` were pushed out of it unread."""

    mails: tuple[Mail, ...]
    more: int = 0
    dropped: int = 0


def parse(document: dict[str, Any]) -> Mail | None:
    """Return a message, None for what is none (a task's); Malformed for one that isn't well formed."""
    doc = Reader(document, "message")
    kind = doc.text("type")
    if kind not in TYPES:
        return None
    payload = doc.raw("payload")
    if not isinstance(payload, dict):
        raise Malformed("/payload is not an object")
    return Mail(
        id=doc.text("id"),
        type=kind,
        sender=doc.inner("from").text("agent"),
        label=doc.text("label"),
        kind=doc.text("kind") if doc.has("kind") else "text",
        payload=payload,
        topic=doc.text("topic") if doc.has("topic") else "",
        answers=doc.text("answers") if doc.has("answers") else "",
        task=doc.text("task") if doc.has("task") else "",
        expires_in_s=doc.number("expires_in_s") if doc.has("expires_in_s") else 0.0,
    )
