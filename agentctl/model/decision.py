"""What a policy question is, and its answer: a no is a value with a reason."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May `principal` do `verb` to `target`, with work of `level`?

    Principals are `operator:<name>` or `agent:<name>`; targets those, and `topic:`, `secret:`,
    `provider:` and `task:`. Of a message `type` is its type (request, event, …) and `kind` what
    its payload is; a rule's types name either. `at_s` is when the act was
    done, in wall-clock seconds since the epoch; None is not known, and then rules with a window
    decide for the safe side. It is no part of what makes two questions the same: an answer that
    depends on time is never remembered as one (see agentctl.policy.engine).
    """

    verb: str
    principal: str
    target: str = ""
    level: str = ""
    type: str = ""
    kind: str = ""
    capabilities: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    role: str = ""
    at_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer, with the rule that gave it and a reason a person can act on."""

    allowed: bool
    rule: str
    reason: str
