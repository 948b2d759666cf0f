"""What the files decide of a question: declarations, access rules, and above them the levels."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import DesiredState
from agentctl.policy import DECLARED, DEFAULT_DENY, Policy, compile_rules
from agentctl.policy.roles import ROLES, proviso, unfit
from agentctl.routing import Levels

CLEARANCE = "clearance"  # stands where a rule's name does
BOUNDARY = "boundary"
GRANTED = frozenset({"model.call", "secret.read"})  # by a declaration; rules can take them back


@dataclass(frozen=True, slots=True)
class Deciding:
    """A fleet's rules and clearances, ready to be asked."""

    policy: Policy
    levels: Levels
    clearances: dict[str, str]
    boundaries: dict[str, str]
    declared: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, desired: DesiredState) -> "Deciding":
        return cls(
            policy=compile_rules(desired.access),
            levels=Levels.of(desired.routing),
            clearances={f"agent:{each.name}": each.clearance for each in desired.agents},
            boundaries={f"provider:{each.name}": each.boundary for each in desired.providers},
            declared=frozenset(_declared(desired)),
        )

    def decide(self, question: Question) -> Decision:
        """Return the decision; what is allowed is still denied to a role that the verb doesn't take, and
        above the target's clearance or boundary.
        """
        granted = question.verb in GRANTED
        said = self._of_declared(question) if granted else self._of_rules(question)
        barred = self.barred(question.target, question.level) if said.allowed else ""
        rule = BOUNDARY if question.target in self.boundaries else CLEARANCE
        return Decision(allowed=False, rule=rule, reason=barred) if barred else said

    def _of_rules(self, question: Question) -> Decision:
        said = self.policy.decide(question)
        why_not = unfit(question.verb, question.principal, question.role)
        if why_not and said.allowed:
            return Decision(allowed=False, rule=ROLES, reason=why_not)
        if why_not and said.rule == DEFAULT_DENY:  # a rule wouldn't be enough
            return replace(said, reason=f"{said.reason}; {why_not}")
        only = proviso(question.verb, question.role) if said.allowed else ""
        return replace(said, reason=f"{said.reason}, {only}") if only else said

    def _of_declared(self, question: Question) -> Decision:
        who, what = question.principal, question.target
        if (who, what) not in self.declared:
            return Decision(
                allowed=False, rule=DECLARED, reason=f"{who} doesn't declare {what or '(none)'}"
            )
        back = self.policy.takes_back(question)
        return back or Decision(allowed=True, rule=DECLARED, reason=f"{who} declares {what}")

    def barred(self, target: str, level: str) -> str:
        """Return why work of a level may not get to a declared agent or provider, "" when it may."""
        boundary = self.boundaries.get(target)
        if boundary is not None and not self.levels.may_cross(level, boundary):
            return f"{level or '(no level)'} may not cross boundary {boundary} of {target}"
        clearance = self.clearances.get(target)
        if clearance is None or self.levels.at_most(level, clearance):
            return ""
        return f"{target} is cleared for {clearance}, the work is {level or '(no level)'}"


def _declared(desired: DesiredState) -> Iterator[tuple[str, str]]:
    """Yield who declares what: agents their provider and their secrets."""
    for each in desired.agents:
        yield f"agent:{each.name}", f"provider:{each.provider}"
        for secret in each.secrets:
            yield f"agent:{each.name}", f"secret:{secret.name}"
