"""The built-in policy engine: rules compiled to matchers and memoised on what they match by.

Questions repeat (the same operator, agent and level over and over), so a compiled policy
keeps what its rules make of them; a policy is immutable, so that never goes stale. Time isn't
part of what is kept: of rules with a window the policy remembers that they match but for the
time, and looks at each question's own time.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase, translate

from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import AccessRule, Effect
from agentctl.model.week import spoken
from agentctl.policy.window import holds, untimely

DEFAULT_DENY = "default-deny"
DECLARED = "declared"  # what a declaration grants: an agent's provider and secrets
ANSWERS_MAX = 50_000  # some 10 MB of answers; past it the memory is emptied and fills again
TARGETS_MAX = 5_000  # targets whose rules are remembered; tasks, which are targets too, come and go

Matches = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rules make of a question: those that hold at times, in their order; then what else."""

    timed: tuple[tuple[AccessRule, Decision], ...]
    otherwise: Decision


@dataclass(frozen=True, slots=True)
class Compiled:
    """A rule with its patterns made ready: a pattern is compiled once, not looked up at each question."""

    rule: AccessRule
    decision: Decision
    principal: Matches
    target: Matches
    capabilities: frozenset[str]
    labels: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, rule: AccessRule) -> "Compiled":
        allowed = rule.effect is Effect.ALLOW
        reason = f"{'allowed' if allowed else 'denied'} by {rule.name!r}"
        return cls(
            rule=rule,
            decision=Decision(allowed=allowed, rule=rule.name, reason=reason),
            principal=_matches(rule.principal),
            target=_matches(rule.target),
            capabilities=frozenset(rule.capabilities),
            labels=frozenset(rule.labels),
        )

    def matches(self, question: Question) -> bool:
        """Whether all but the verb and the time fits; `mismatch` says the same in words."""
        rule = self.rule
        return bool(
            self.target(question.target)
            and (
                question.role and rule.principal == f"role:{question.role}"
                if rule.principal.startswith("role:")
                else self.principal(question.principal)
            )
            and (not rule.types or question.type in rule.types or question.kind in rule.types)
            and (not rule.levels or question.level in rule.levels)
            and self.capabilities.issubset(question.capabilities)
            and self.labels.issubset(question.labels)
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in their deciding order: denies first, then allows as written."""

    rules: tuple[AccessRule, ...]
    _by_verb: dict[str, tuple[Compiled, ...]] = field(repr=False, compare=False)
    _standings: dict[Question, Standing] = field(default_factory=dict, repr=False, compare=False)
    _aimed: dict[tuple[str, str], tuple[Compiled, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def decide(self, question: Question) -> Decision:
        """Return the decision on a question; no rule that matches is a no."""
        standing = self._standings.get(question)
        if standing is None:
            standing = self._remember(question)
        for rule, decision in standing.timed:
            if holds(rule, question.at_s):
                return decision
        return standing.otherwise

    def takes_back(self, question: Question) -> Decision | None:
        """Return the explicit deny of something that a declaration grants, None when there is none.

        An agent's provider and secrets stand in its playbook: that is their grant, and rules can
        only take it back. Source: docs/decisions/0021-destinations-topics-and-kinds.md.
        """
        said = self.decide(question)
        return None if said.allowed or said.rule == DEFAULT_DENY else said

    def _remember(self, question: Question) -> Standing:
        standing = self._stand(question)
        if len(self._standings) >= ANSWERS_MAX:
            self._standings.clear()
        self._standings[question] = standing
        return standing

    def _stand(self, question: Question) -> Standing:
        timed: list[tuple[AccessRule, Decision]] = []
        for each in self._aimed_at(question.verb, question.target):
            if each.matches(question):
                if each.rule.window is None:
                    return Standing(tuple(timed), each.decision)
                timed.append((each.rule, each.decision))
        return Standing(tuple(timed), _nobody_allows(question, [rule for rule, _ in timed]))

    def _aimed_at(self, verb: str, target: str) -> tuple[Compiled, ...]:
        """Return the rules for a verb that a target matches: many ask for the same few targets."""
        aimed = self._aimed.get((verb, target))
        if aimed is None:
            of_verb = self._by_verb.get(verb, self._by_verb["*"])
            aimed = tuple(each for each in of_verb if each.target(target))
            if len(self._aimed) >= TARGETS_MAX:
                self._aimed.clear()
            self._aimed[verb, target] = aimed
        return aimed


def compile_rules(rules: Sequence[AccessRule]) -> Policy:
    """Return the rules as a Policy; an explicit deny comes before every allow."""
    ordered = tuple(sorted(rules, key=lambda rule: rule.effect is Effect.ALLOW))
    compiled = tuple(Compiled.of(each) for each in ordered)
    by_verb = {
        verb: tuple(each for each in compiled if each.rule.verb in ("*", verb))
        for verb in {"*", *(each.verb for each in ordered)}
    }
    return Policy(ordered, by_verb)


def mismatch(rule: AccessRule, question: Question) -> str:
    """Return why a rule doesn't match a question, "" when it does."""
    if rule.verb not in ("*", question.verb):
        return f"verb is {question.verb}, the rule is for {rule.verb}"
    if rule.principal.startswith("role:"):
        if not question.role or rule.principal != f"role:{question.role}":
            return f"role {question.role or '(none)'} is not {rule.principal[5:]}"
    elif not fnmatchcase(question.principal, rule.principal):
        return f"principal {question.principal} is not {rule.principal}"
    if not fnmatchcase(question.target, rule.target):
        return f"target {question.target or '(none)'} is not {rule.target}"
    if rule.types and not {question.type, question.kind} & set(rule.types):
        kind = f" (kind {question.kind})" if question.kind else ""
        return f"type {question.type or '(none)'}{kind} is not among {', '.join(rule.types)}"
    if rule.levels and question.level not in rule.levels:
        return f"level {question.level or '(none)'} is not among {', '.join(rule.levels)}"
    if not set(rule.capabilities) <= set(question.capabilities):
        return f"capabilities lack {', '.join(sorted(set(rule.capabilities) - set(question.capabilities)))}"
    if not set(rule.labels) <= set(question.labels):
        return "labels don't match"
    return untimely(rule, question.at_s)


def _matches(pattern: str) -> Matches:
    """Return what tells whether a name matches a glob, case and all."""
    if any(each in pattern for each in "*?["):
        return re.compile(translate(pattern)).match
    return pattern.__eq__


def _nobody_allows(question: Question, closed: Sequence[AccessRule]) -> Decision:
    reason = f"no rule allows {question.principal} to {question.verb} {question.target}".strip()
    allows = [each for each in closed if each.effect is Effect.ALLOW and each.window]
    if allows and allows[0].window:
        reason += f" now; {allows[0].name!r} does {spoken(allows[0].window)}"
    return Decision(allowed=False, rule=DEFAULT_DENY, reason=reason)
