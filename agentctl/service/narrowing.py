"""OPA's say in what the rules allow: it is asked between transactions, and may only narrow.

A work that needs an answer which isn't there is taken back whole; OPA is asked, and the work
runs again on what is then so. The question is all that OPA was told, and an answer is kept
under generation and question: so one counts only while everything that it was about still holds.
Source: docs/decisions/0022-opa.md.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar, assert_never

from agentctl.errors import NoDecision, Unavailable
from agentctl.model.decision import Decision, Question
from agentctl.model.mode import Verb
from agentctl.opa import Allowed, Answer, Denied, NoAnswer
from agentctl.policy import DECLARED
from agentctl.service.context import Fleet, Hub
from agentctl.service.opa_memory import Key, Silence
from agentctl.service.record import note, note_decision
from agentctl.store import Txn

ROUNDS_MAX = 16  # times that a work is run for one act; each costs an answer, or the fleet moved
ASKED_MAX = 64  # questions of one act that isn't written yet: as many as a broadcast may reach
ACT_S_MAX = 3.0  # that one act may wait for OPA in all; somebody waits for it
RETRY_AFTER_S = 5.0  # as long as OPA rests after failures
RULE = "opa"  # stands where a rule's name does
GRANTED = Decision(allowed=True, rule=DECLARED, reason="declared in the playbook")
BRIEFLY_KEPT = frozenset({"model.call"})

Answers = dict[Key, Answer]
T = TypeVar("T")


class Unasked(Exception):
    """A work needs OPA's answer to a question that it wasn't asked yet."""

    def __init__(self, fleet: Fleet, question: Question) -> None:
        super().__init__(question.verb)
        self.fleet = fleet
        self.question = question
        self.key: Key = (fleet.generation.number, question)


class Unanswered(Exception):
    """OPA gives no answer: a no for now, with the decision that says so."""

    def __init__(self, question: Question, why: str) -> None:
        super().__init__(why)
        self.question = question
        self.decision = Decision(allowed=False, rule=RULE, reason=f"no answer from OPA: {why}")


@dataclass(slots=True)
class Say:
    """What the access rules of a fleet and OPA say together; `refused` is what OPA alone refused."""

    fleet: Fleet
    answer: Callable[[Fleet, Question], Answer]
    refused: list[tuple[Question, Decision]] = field(default_factory=list)

    def decide(self, question: Question) -> Decision:
        """Return the decision; OPA is asked about what the rules allow. Raises Unanswered."""
        said = self.fleet.policy.decide(question)
        return self._narrowed(question, said) if said.allowed else said

    def takes_back(self, question: Question) -> Decision | None:
        """Return the refusal of what a declaration grants, None when nothing refuses it. Raises Unanswered."""
        denied = self.fleet.policy.takes_back(question)
        if denied is not None:
            return denied
        said = self._narrowed(question, GRANTED)
        return None if said.allowed else said

    def _narrowed(self, question: Question, said: Decision) -> Decision:
        if not self.fleet.opa.enabled:
            return said
        answer = self.answer(self.fleet, question)
        match answer:
            case Allowed(decision=own):
                return replace(said, reason=f"{said.reason}; OPA agrees{_own(own)}")
            case Denied(reason=reason, decision=own):
                no = Decision(allowed=False, rule=RULE, reason=f"OPA refuses: {reason}{_own(own)}")
                self.refused.append((question, no))
                return no
            case NoAnswer(why=why):
                raise Unanswered(question, why)
            case _:
                assert_never(answer)


def _own(decision: str) -> str:
    return f" (its decision {decision})" if decision else ""


class Moved(Exception):
    """Another generation came into force after something was decided."""


def write(
    hub: Hub,
    work: Callable[[Txn, Say], T],
    *,
    verb: Verb,
    repeated: Callable[[Txn], T | None] = lambda _: None,
    rehearse: Callable[[Txn, Say], object] | None = None,
    check: str = "",
) -> T:
    """Run a work in a write transaction, OPA's answers asked between one try and the next.

    The mode is asked for `verb` in that very transaction: OPA may have taken seconds. `repeated`
    comes before it: the first answer of an act that was asked for twice, whatever the mode is.
    `rehearse` decides what the work will and writes nothing: where it is given, answers are
    gathered in read transactions, and the one writer isn't kept busy with tries.
    Raises what the work raises, and NoDecision (of `check`) when OPA gives no answer, or what it
    is asked about changes faster than it answers.
    """
    answers: Answers = {}
    until_s = hub.clock.boot_s() + ACT_S_MAX
    with answered(hub, check=check):
        for _ in range(ROUNDS_MAX):
            try:
                if rehearse is not None and hub.fleet is not None and hub.fleet.opa.enabled:
                    with hub.store.read() as reading:
                        rehearse(reading, among(hub, answers))
                return hub.store.write(
                    lambda txn: _guarded(
                        hub, txn, verb, "", repeated, lambda: work(txn, among(hub, answers))
                    )
                )
            except Unasked as why:
                if hub.clock.boot_s() > until_s:
                    raise Unanswered(why.question, f"{ACT_S_MAX:g} s of asking are over") from None
                answers[why.key] = ask(hub, why.fleet, why.question)
    raise NoDecision("what OPA is asked about changes faster than it answers").of_check(check)


def keep(
    hub: Hub,
    decided_by: Fleet,
    work: Callable[[Txn], T],
    *,
    verb: Verb,
    host: str = "",
    repeated: Callable[[Txn], T | None] = lambda _: None,
) -> T:
    """Run a work that writes what `asking` decided; mode and generation are asked again in it.

    Raises Moved when another generation is in force by then, Degraded when the mode forbids it.
    """

    def unmoved(txn: Txn) -> T:
        if hub.fleet is not decided_by:
            raise Moved
        return work(txn)

    return hub.store.write(
        lambda txn: _guarded(hub, txn, verb, host, repeated, lambda: unmoved(txn))
    )


def _guarded(
    hub: Hub,
    txn: Txn,
    verb: Verb,
    host: str,
    repeated: Callable[[Txn], T | None],
    work: Callable[[], T],
) -> T:
    first = repeated(txn)
    if first is not None:
        return first
    hub.require(verb, host=host)
    return work()


def among(hub: Hub, answers: Answers) -> Say:
    """Return the say of the fleet in force in a transaction: of answers that are there, it asks nobody."""
    fleet = hub.fleet
    if fleet is None:
        raise Unavailable("no fleet is applied yet", hint="run `agentctl apply` first")

    def known(fleet: Fleet, question: Question) -> Answer:
        key = (fleet.generation.number, question)
        answer = answers.get(key) or hub.live.opa.known(key, now_s=hub.clock.boot_s())
        if answer is None:
            raise Unasked(fleet, question)
        return answer

    return Say(fleet, known)


def asking(hub: Hub, fleet: Fleet, *, before_more: Callable[[], object] = lambda: None) -> Say:
    """Return the say of a fleet where no transaction is open: it asks at once, each question once.

    `before_more` is called before each question but the first, and may raise: who makes OPA work
    for many answers is to pay for them.
    """
    answers: Answers = {}
    until_s = hub.clock.boot_s() + ACT_S_MAX

    def asked(fleet: Fleet, question: Question) -> Answer:
        key = (fleet.generation.number, question)
        if key not in answers:
            if len(answers) >= ASKED_MAX:
                return Denied(reason=f"it is asked about {ASKED_MAX} targets of one act")
            if hub.clock.boot_s() > until_s:
                return NoAnswer(why=f"{ACT_S_MAX:g} s of asking are over")
            if answers:
                before_more()
            answers[key] = ask(hub, fleet, question)
        return answers[key]

    return Say(fleet, asked)


def ask(hub: Hub, fleet: Fleet, question: Question) -> Answer:
    """Ask OPA, and remember when it leaves a verb without an answer. Never inside a transaction."""
    number, memory = fleet.generation.number, hub.live.opa
    answer = hub.opa.ask(fleet.opa, question, generation=number)
    memory.of(fleet.opa)
    if isinstance(answer, NoAnswer):
        _silent(hub, question, answer.why)
        return answer
    with memory.lock:
        ended = memory.silent.pop(question.verb, None)
    if ended is not None:
        hub.live.checked_s = None  # the checks are due: people hear of it at once
    if question.verb in BRIEFLY_KEPT:
        memory.keep((number, question), answer, now_s=hub.clock.boot_s())
    return answer


def _silent(hub: Hub, question: Question, why: str) -> None:
    memory = hub.live.opa
    with memory.lock:
        before = memory.silent.get(question.verb)
        memory.silent[question.verb] = Silence(
            question=question,
            why=why,
            since_s=before.since_s if before else hub.clock.wall_s(),
            asked_s=hub.clock.boot_s(),
        )
    if before is None:
        hub.live.checked_s = None


@contextmanager
def answered(hub: Hub, *, check: str = "") -> Iterator[None]:
    """Turn away with NoDecision (of `check`) whatever in the block gets no answer; on record."""
    try:
        yield
    except Unanswered as why:
        unwritten = hub.live.refusals.take(why.question.principal, now_s=hub.clock.boot_s())
        if unwritten is not None:
            hub.store.write(partial(_note, hub, why, unwritten))
        raise NoDecision(
            why.decision.reason, retry_after_s=RETRY_AFTER_S, hint="nothing was done; try again"
        ).of_check(check) from None


def _note(hub: Hub, why: Unanswered, unwritten: int, txn: Txn) -> None:
    asked = why.question
    note(
        hub,
        txn,
        "policy.unanswered",
        who=asked.principal,
        decision=note_decision(hub, txn, asked, why.decision),
        label=asked.level,
        verb=asked.verb,
        target=asked.target,
        reason=why.decision.reason,
        unwritten=unwritten or "",
    )
