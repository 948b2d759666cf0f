"""What the checks look at and what they answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from agentctl.messages.payload import Kind
from agentctl.model.decision import Decision, Question
from agentctl.model.message import Asked, CheckName


class Levels(Protocol):
    """The order of levels and what may cross which boundary; what is unknown is never allowed."""

    def at_most(self, level: str, limit: str) -> bool: ...

    def may_cross(self, level: str, boundary: str) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends, as credential and container say. `hops` are its attempt's, `sent` its task's."""

    agent: str
    instance: str
    label: str
    publishes: tuple[str, ...] = ()
    hops: int = 0
    sent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fellow:
    """A declared agent as somebody to write to."""

    name: str
    clearance: str
    boundary: str
    capabilities: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    subscribes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A living container's box, with the label and boundary that the container was born with."""

    instance: str
    label: str
    boundary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The fleet at this instant. `boxes` are an agent's living containers; `asked` the request that a
    reply answers, None when the sender has none of that id to answer. `at_s` is wall clock.
    `apart` are the agents in quarantine: nothing is for them.
    """

    fellows: Mapping[str, Fellow]
    boxes: Callable[[str], tuple[Box, ...]]
    kinds: Mapping[str, Kind]
    levels: Levels
    decide: Callable[[Question], Decision]
    asked: Asked | None = None
    at_s: float = 0.0
    apart: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Where a message goes: a container's box, or with no instance the queue of an agent's requests."""

    agent: str
    instance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that may go. `left_out` counts the agents and containers that may not have it."""

    recipients: tuple[Recipient, ...]
    question: Question
    decision: Decision
    hops: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A message that may not go, by which check, in words without anything of its payload.

    `fields` (JSON pointer, what is wrong) are for its sender alone. With a question it is a
    decision, on record. `lasting` ones are what every repeat of the message's id is answered.
    """

    check: CheckName
    reason: str
    rule: str = ""
    hint: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=())
    question: Question | None = None
    lasting: bool = True
