"""The built-in policy engine: rules compiled to sets and memoised on what they match by.

Questions repeat (the same operator, agent and level over and over), so a compiled policy
keeps its answers; a policy is immutable, so an answer never goes stale.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import AccessRule, Effect

DEFAULT_DENY = "default-deny"
ANSWERS_MAX = 50_000  # some 10 MB of answers; past it the memory is emptied and fills again


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in their deciding order: denies first, then allows as written."""

    rules: tuple[AccessRule, ...]
    _answers: dict[Question, Decision] = field(default_factory=dict, repr=False, compare=False)

    def decide(self, question: Question) -> Decision:
        """Return the decision on a question; no rule that matches is a no."""
        known = self._answers.get(question)
        if known is not None:
            return known
        answer = self._decide(question)
        if len(self._answers) >= ANSWERS_MAX:
            self._answers.clear()
        self._answers[question] = answer
        return answer

    def _decide(self, question: Question) -> Decision:
        for rule in self.rules:
            if not mismatch(rule, question):
                allowed = rule.effect is Effect.ALLOW
                word = "allowed" if allowed else "denied"
                return Decision(allowed=allowed, rule=rule.name, reason=f"{word} by {rule.name!r}")
        return Decision(
            allowed=False,
            rule=DEFAULT_DENY,
            reason=f"no rule allows {question.principal} to {question.verb} {question.target}".strip(),
        )


def compile_rules(rules: Sequence[AccessRule]) -> Policy:
    """Return the rules as a Policy; an explicit deny comes before every allow."""
    return Policy(tuple(sorted(rules, key=lambda rule: rule.effect is Effect.ALLOW)))


def mismatch(rule: AccessRule, question: Question) -> str:
    """Return why a rule doesn't match a question, "" when it does."""
    if rule.verb not in ("*", question.verb):
        return f"verb is {question.verb}, the rule is for {rule.verb}"
    if not _names(rule.principal, question.principal, question.role):
        return f"principal {question.principal} is not {rule.principal}"
    if not fnmatchcase(question.target, rule.target):
        return f"target {question.target or '(none)'} is not {rule.target}"
    if rule.types and question.type not in rule.types:
        return f"type {question.type or '(none)'} is not among {', '.join(rule.types)}"
    if rule.levels and question.level not in rule.levels:
        return f"level {question.level or '(none)'} is not among {', '.join(rule.levels)}"
    if not set(rule.capabilities) <= set(question.capabilities):
        return f"capabilities lack {', '.join(sorted(set(rule.capabilities) - set(question.capabilities)))}"
    if not set(rule.labels) <= set(question.labels):
        return "labels don't match"
    return ""


def _names(pattern: str, principal: str, role: str) -> bool:
    """Whether a principal pattern names this principal; `role:admin` names everybody of that role."""
    if pattern.startswith("role:"):
        return bool(role) and pattern == f"role:{role}"
    return fnmatchcase(principal, pattern)
