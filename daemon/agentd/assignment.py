"""What the hub sends: an assignment, or the word that an attempt is cancelled or lost."""

from dataclasses import dataclass, field
from typing import Any

from agentd.strict_json import Malformed, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What the task may spend; None is no limit."""

    usd: float | None = None
    tokens: int | None = None
    turns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """A lease and what to do under it. Times in seconds."""

    message: str
    task: str
    attempt: int
    prompt: str = field(repr=False)
    model_token: str = field(repr=False)
    sensitivity: str
    timeout_s: float
    lease_s: float
    heartbeat_s: float
    budget: Budget
    output_schema: dict[str, Any] | None

    @property
    def hold(self) -> tuple[str, int]:
        """What heartbeats and polls name."""
        return self.task, self.attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class NoLongerOurs:
    """The attempt was cancelled by an operator, or lost to another attempt."""

    message: str
    task: str
    attempt: int
    cancelled: bool

    @property
    def hold(self) -> tuple[str, int]:
        """What heartbeats and polls name."""
        return self.task, self.attempt


Received = Assignment | NoLongerOurs


def parse(document: dict[str, Any]) -> Received | None:
    """Return a message of the hub as a value, None for a type that this agentd doesn't know.

    Malformed when a known one isn't well formed. Fields that are new are let
    pass: the hub may be newer than this container.
    """
    doc = Reader(document, "message")
    kind = doc.text("type")
    if kind == "task.assigned":
        return _assignment(doc)
    if kind in ("task.cancel", "task.lost"):
        return NoLongerOurs(
            message=doc.text("id"),
            task=doc.text("task"),
            attempt=doc.integer("attempt", least=1),
            cancelled=kind == "task.cancel",
        )
    return None


def _assignment(doc: Reader) -> Assignment:
    payload = doc.inner("payload")
    return Assignment(
        message=doc.text("id"),
        task=doc.text("task"),
        attempt=doc.integer("attempt", least=1),
        prompt=payload.text("prompt"),
        model_token=payload.text("model_token"),
        sensitivity=payload.text("sensitivity"),
        timeout_s=payload.number("timeout_s", above=0),
        lease_s=payload.number("lease_s", above=0),
        heartbeat_s=payload.number("heartbeat_s", above=0),
        budget=_budget(payload.inner("budget")) if payload.has("budget") else Budget(),
        output_schema=_schema(payload),
    )


def _budget(doc: Reader) -> Budget:
    return Budget(
        usd=doc.number("usd", above=0) if doc.has("usd") else None,
        tokens=doc.integer("tokens", least=1) if doc.has("tokens") else None,
        turns=doc.integer("turns", least=1) if doc.has("turns") else None,
    )


def _schema(payload: Reader) -> dict[str, Any] | None:
    if not payload.has("output_schema"):
        return None
    schema = payload.raw("output_schema")
    if not isinstance(schema, dict):
        raise Malformed("/payload/output_schema is not an object")
    return schema
