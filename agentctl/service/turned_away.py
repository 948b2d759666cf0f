"""Refused messages: each in the journal within a bound, and answered alike however often it is repeated.

What is refused for now (over the rate, a full box, a store that can't write) isn't remembered.
Source: docs/decisions/0018-messages.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from agentctl.errors import AgentctlError, Conflict, InputError, Refused, Unavailable
from agentctl.messages import Rejection
from agentctl.model.decision import Decision
from agentctl.model.digest import digest
from agentctl.model.message import CheckName
from agentctl.model.principal import AgentPrincipal
from agentctl.monitor.snapshot import Barred
from agentctl.service.context import Hub
from agentctl.service.record import note, note_decision
from agentctl.store import Txn, answers

REFUSED = "refused"  # the key under which a refusal is kept as an answer
FIELDS_MAX = 20
WORDS_MAX = 500

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message as it came in. `label` is its container's ("": not known), `budget` what it counts to."""

    who: AgentPrincipal
    message: Message
    budget: str
    label: str = ""


@contextmanager
def durable() -> Iterator[None]:
    """Let a failing write say that it was the journal's."""
    try:
        yield
    except Unavailable as why:
        if not why.check:
            why.of_check(CheckName.JOURNAL)
        raise


def first_answer(txn: Txn, sent: Sent) -> Message | None:
    """Return what the first message of that id was answered; None when there was none.

    Raises the refusal again when it was one, and Conflict when it was another message.
    """
    message_id = sent.message["id"]
    first = answers.first(txn, sent.who.instance, message_id)
    if first is None:
        return None
    said, answer = first
    if said != digest(sent.message):
        raise Conflict(f"message id {message_id!r} was used for another message").of_check(
            CheckName.IDENTITY
        )
    if REFUSED in answer:
        raise _error(answer[REFUSED])
    return answer


def turn_away(hub: Hub, sent: Sent, why: Rejection) -> Message:
    """Record a refusal and raise it; return the first answer if a repeat was quicker."""
    if why.check is CheckName.LABEL:
        _alert(hub, sent.who.agent, why.reason)
    written = hub.live.refusals.take(sent.who.instance, now_s=hub.clock.boot_s())
    if written is None and not why.lasting:
        raise _error(_kept(why, ""))
    if why.lasting:
        hub.live.chains.count(sent.budget)
    first, refusal = hub.store.write(lambda txn: _record(hub, txn, sent, why, written))
    if first is not None:
        return first
    raise _error(refusal)


def _record(
    hub: Hub, txn: Txn, sent: Sent, why: Rejection, unwritten: int | None
) -> tuple[Message | None, Message]:
    first = first_answer(txn, sent) if why.lasting else None
    if first is not None:
        return first, {}
    decision = ""
    if unwritten is not None:
        decision = _note(hub, txn, sent, why, unwritten)
    kept = _kept(why, decision)
    if why.lasting:
        said = digest(sent.message)
        answers.remember(txn, sent.who.instance, sent.message["id"], said, {REFUSED: kept})
    return None, kept


def _note(hub: Hub, txn: Txn, sent: Sent, why: Rejection, unwritten: int) -> str:
    decision = ""
    if why.question is not None:
        said = Decision(allowed=False, rule=why.rule, reason=why.reason)
        asked = replace(why.question, target=why.question.target[:WORDS_MAX])
        decision = note_decision(hub, txn, asked, said)
    note(
        hub,
        txn,
        "message.refused",
        who=sent.who.spiffe_id,
        subject=_short(sent.message.get("id")),
        decision=decision,
        label=sent.label,
        check=why.check.value,
        reason=why.reason[:WORDS_MAX],
        type=_short(sent.message.get("type")),
        task=_short(sent.message.get("task")),
        payload_sha256=digest(sent.message.get("payload")),
        unwritten=unwritten or "",
    )
    return decision


def _kept(why: Rejection, decision: str) -> Message:
    return {
        "check": why.check.value,
        "detail": why.reason[:WORDS_MAX],
        "hint": why.hint[:WORDS_MAX],
        "rule": why.rule,
        "decision": decision,
        "fields": [list(each) for each in why.fields[:FIELDS_MAX]],
    }


def _error(kept: Message) -> AgentctlError:
    """Return a refusal as its sender gets it: a conflict of identity, invalid input, or refused."""
    check, hint = kept["check"], kept["hint"] or None
    if check == CheckName.IDENTITY:
        return Conflict(kept["detail"], hint=hint).of_check(check)
    if check == CheckName.SCHEMA:
        fields = [(where, what) for where, what in kept["fields"]]
        return InputError(kept["detail"], hint=hint, fields=fields).of_check(check)
    decision = kept["decision"] or None
    return Refused(kept["detail"], rule=kept["rule"], decision_id=decision, hint=hint).of_check(
        check
    )


def _short(value: Any) -> str:
    """Return a word of a message that met no schema, fit for a journal line."""
    return value[:64] if isinstance(value, str) else ""


def _alert(hub: Hub, agent: str, why: str) -> None:
    """Count a refusal by label: the check that watches them makes an alert of it."""
    with hub.live.lock:
        before = hub.live.barred.get(agent)
        count = before.count + 1 if before else 1
        hub.live.barred[agent] = Barred(count=count, last_s=hub.clock.wall_s(), why=why)
