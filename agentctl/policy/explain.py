"""Why a question was answered as it was: each rule in deciding order, and what kept it from matching."""

from dataclasses import dataclass

from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import Effect
from agentctl.policy.engine import Policy, mismatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One rule's part in a decision; `why_not` is "" for a rule that matches."""

    rule: str
    effect: Effect
    why_not: str
    decided: bool


def explain(policy: Policy, question: Question) -> tuple[Decision, tuple[Judged, ...]]:
    """Return the decision, and every rule with why it matched or not; at most one `decided`."""
    judged: list[Judged] = []
    settled = False
    for rule in policy.rules:
        why_not = mismatch(rule, question)
        decided = not why_not and not settled
        settled = settled or decided
        judged.append(Judged(rule=rule.name, effect=rule.effect, why_not=why_not, decided=decided))
    return policy.decide(question), tuple(judged)
