"""What the files decide of a question: the access rules, and above them each agent's clearance."""

from dataclasses import dataclass

from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import DesiredState
from agentctl.policy import Policy, compile_rules
from agentctl.routing import Levels

CLEARANCE = "clearance"  # stands where a rule's name does


@dataclass(frozen=True, slots=True)
class Deciding:
    """A fleet's rules and clearances, ready to be asked."""

    policy: Policy
    levels: Levels
    clearances: dict[str, str]

    @classmethod
    def of(cls, desired: DesiredState) -> "Deciding":
        return cls(
            policy=compile_rules(desired.access),
            levels=Levels.of(desired.routing),
            clearances={f"agent:{each.name}": each.clearance for each in desired.agents},
        )

    def decide(self, question: Question) -> Decision:
        """Return the rules' decision; what they allow is still denied above the target's clearance."""
        said = self.policy.decide(question)
        barred = self.barred(question.target, question.level) if said.allowed else ""
        return Decision(allowed=False, rule=CLEARANCE, reason=barred) if barred else said

    def barred(self, target: str, level: str) -> str:
        """Return why work of a level may not get to a declared agent, "" when it may."""
        clearance = self.clearances.get(target)
        if clearance is None or self.levels.at_most(level, clearance):
            return ""
        return f"{target} is cleared for {clearance}, the work is {level or '(no level)'}"
