"""What a policy question is, and its answer: a no is a value with a reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May `principal` do `verb` to `target`, with work of `level`?

    Principals and targets are `operator:<name>` or `agent:<name>`.
    """

    verb: str
    principal: str
    target: str = ""
    level: str = ""
    type: str = ""
    capabilities: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer, with the rule that gave it and a reason a person can act on."""

    allowed: bool
    rule: str
    reason: str
