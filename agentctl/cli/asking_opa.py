"""What OPA says to a question that `policy explain` asks from here; the hub asks it for itself."""

from dataclasses import dataclass
from typing import Any

from agentctl.errors import EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE
from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import Opa
from agentctl.opa import Allowed, Answer, Denied, NoAnswer, OpaServer

FILES = 0  # the generation that OPA is told: the files' is none yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of OPA for a question: `answer` is None when it wasn't asked; `wanted`: by --opa."""

    where: Opa
    rules_allow: bool
    answer: Answer | None
    wanted: bool

    @property
    def exit_code(self) -> int:
        """3 when rules or OPA refuse, 4 when its answer was asked for and there is none."""
        if not self.rules_allow or isinstance(self.answer, Denied):
            return EXIT_REFUSED
        unheard = self.wanted and isinstance(self.answer, NoAnswer)
        return EXIT_UNAVAILABLE if unheard else EXIT_OK

    @property
    def overruled(self) -> bool:
        """Whether the rules allow it and OPA refuses."""
        return isinstance(self.answer, Denied)

    @property
    def words(self) -> str:
        """Return a line for people, "" where OPA has no part in it."""
        match self.answer:
            case Allowed():
                return f"OPA at {self.where.url} agrees"
            case Denied(reason=reason):
                return f"OPA at {self.where.url} refuses: {reason}"
            case NoAnswer(why=why):
                unheard = f"OPA at {self.where.url} gives no answer here: {why}"
                return f"{unheard}; where the hub gets none, it refuses with 503"
        return self._unasked()

    def _unasked(self) -> str:
        if not self.where.enabled and not self.wanted:
            return ""
        if not self.rules_allow:
            return "OPA isn't asked: it can only narrow what the rules allow"
        return f"OPA at {self.where.url} is asked too by the hub, and may refuse"

    def document(self) -> dict[str, Any]:
        """Return it as JSON types."""
        row = {"enabled": self.where.enabled, "asked": self.answer is not None}
        match self.answer:
            case Allowed():
                return row | {"answer": "allow"}
            case Denied(reason=reason):
                return row | {"answer": "deny", "reason": reason}
            case NoAnswer(why=why):
                return row | {"answer": "none", "reason": why}
        return row


def hear(where: Opa, question: Question, decision: Decision, *, given: bool | None) -> Heard:
    """Ask OPA where the rules allow and it is enabled, or where `given` says so; never where that is False."""
    asked = decision.allowed and (where.enabled if given is None else given)
    answer = OpaServer().ask(where, question, generation=FILES) if asked else None
    return Heard(where=where, rules_allow=decision.allowed, answer=answer, wanted=given is True)
