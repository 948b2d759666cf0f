"""What OPA says to a question asked from here, by `policy explain` and `apply`; the hub asks it for itself."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from agentctl.errors import EXIT_OK, EXIT_REFUSED, EXIT_UNAVAILABLE, AgentctlError
from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import DesiredState, Opa
from agentctl.opa import Allowed, Answer, Denied, NoAnswer, OpaServer

RULE = "opa"  # stands where a rule's name does, as it does at the hub
FILES = 0  # the generation that OPA is told: the files' is none yet


class Alerting(Protocol):
    """What `apply` needs of the hub to know how OPA is."""

    @property
    def over_http(self) -> bool: ...

    def get(self, path: str, params: dict[str, str], /) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of OPA for a question: `answer` is None when it wasn't asked; `wanted`: by --opa."""

    where: Opa
    rules: Decision
    answer: Answer | None
    wanted: bool

    @property
    def exit_code(self) -> int:
        """3 when rules or OPA refuse, 4 when it was asked and gave no answer."""
        if isinstance(self.answer, NoAnswer):
            return EXIT_UNAVAILABLE
        return EXIT_OK if self.decision.allowed else EXIT_REFUSED

    @property
    def decision(self) -> Decision:
        """What comes of rules and OPA together: its refusal, or its silence, stands above their yes."""
        if self.answer is None or isinstance(self.answer, Allowed):
            return self.rules
        return Decision(allowed=False, rule=RULE, reason=self.words)

    @property
    def verdict(self) -> str:
        """Return the answer in a word or two."""
        if isinstance(self.answer, NoAnswer):
            return "no answer"
        return "yes" if self.decision.allowed else "no"

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
        if not self.rules.allowed:
            return "OPA was not asked: it can only narrow what the rules allow"
        return f"OPA was not asked: the hub asks the one at {self.where.url}, which may refuse"

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
    return Heard(where=where, rules=decision, answer=answer, wanted=given is True)


def silent(desired: DesiredState, hub: Alerting) -> str:
    """Return a note when what was applied asks OPA and OPA doesn't answer, "" when all is well.

    The hub's alert is what counts. It comes with the first question that got no answer, so a hub
    on this machine is spared waiting for one: OPA is asked from here what somebody will ask soon.
    """
    if not desired.opa.enabled:
        return ""
    why = _alert(hub) or ("" if hub.over_http else _unheard(desired))
    if not why:
        return ""
    return (
        f"OPA doesn't answer at {desired.opa.url}: what it is asked about will be refused ({why})"
    )


def _alert(hub: Alerting) -> str:
    with suppress(AgentctlError):  # it was applied: a note is not worth a failure
        found = hub.get("/api/hub/alerts", {"all": "false"})["alerts"]
        return next((str(each["words"]) for each in found if each["check"] == "opa"), "")
    return ""


def _unheard(desired: DesiredState) -> str:
    question = Question(
        verb="task.submit",
        principal="operator:apply",
        target=next((f"agent:{each.name}" for each in desired.agents), ""),
        level=desired.routing.default,
        role="operator",
    )
    answer = OpaServer().ask(desired.opa, question, generation=FILES)
    return answer.why if isinstance(answer, NoAnswer) else ""
