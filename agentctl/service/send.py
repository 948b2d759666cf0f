"""An agent's message to others: identity, schema, scope, label, journal, mailbox, in this order.

The sender is the credential's subject and the label its container's, whatever the message says.
What is accepted is in no box before its journal line is durable.
Source: docs/decisions/0018-messages.md.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from agentctl.errors import Conflict, InputError, NoDecision, Throttled, Unavailable
from agentctl.messages import Delivery, Rejection, judge
from agentctl.messages.payload import size_of
from agentctl.model.decision import Decision
from agentctl.model.digest import digest
from agentctl.model.message import (
    MESSAGES_OF_A_TASK_MAX,
    TTL_S,
    Asked,
    CheckName,
    Envelope,
    Letter,
    MessageType,
)
from agentctl.model.mode import Verb
from agentctl.model.principal import AgentPrincipal
from agentctl.service import mail, narrowing
from agentctl.service.context import Fleet, Hub
from agentctl.service.envelopes import envelope_of, shown
from agentctl.service.mail_room import Place
from agentctl.service.message_facts import applied, facts_of, sender_of
from agentctl.service.record import note, note_decision
from agentctl.service.standing import require_rate, stale, standing_of
from agentctl.service.turned_away import Sent, durable, first_answer, turn_away
from agentctl.store import Txn, answers, quarantined_agents

BUSY_RETRY_S = 1.0
FULL_RETRY_S = 5.0  # a box empties when its reader polls, so in seconds, or not at all
JUDGED_MAX = 3  # times: a generation that is applied between judging and writing is judged by anew
LETTER_BYTES = 512  # what a message costs beside its payload
TYPES = frozenset({"request", "reply", "event", "broadcast", "delegate"})
SENDERS_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

Message = dict[str, Any]


def send(hub: Hub, who: AgentPrincipal, message: Message) -> Message:
    """Pass a message on, or say why not; a repeated id gets the first answer, refusals included.

    Raises Conflict (not the current attempt), InputError, Refused, Throttled or Unavailable,
    each naming the check that refused.
    """
    envelope = envelope_of(message)
    sent = Sent(who=who, message=message, budget=envelope.task)
    with hub.store.read() as txn:
        first = first_answer(txn, sent)
        standing = standing_of(txn, who, envelope.task, envelope.attempt)
    if first is not None:
        return first
    hub.require(Verb.MESSAGE)
    applied(hub)
    require_rate(hub, who)
    if standing is None:
        with durable():
            return turn_away(hub, sent, stale(envelope.task, envelope.attempt))
    sent = replace(sent, label=standing.instance.label)
    with (
        durable(),
        _claimed(hub, who, envelope) as asked,
        narrowing.answered(hub, check=CheckName.SCOPE),
    ):
        for _ in range(JUDGED_MAX):
            say = narrowing.asking(hub, applied(hub), before_more=lambda: require_rate(hub, who))
            found = judge(envelope, sender_of(hub, standing), facts_of(hub, say, asked))
            if isinstance(found, Rejection):
                return turn_away(hub, sent, found)
            with suppress(narrowing.Moved):
                return _pass_on(hub, sent, envelope, found, asked, say.fleet)
        raise NoDecision("generations are applied faster than it is judged").of_check(
            CheckName.SCOPE
        )


def malformed(hub: Hub, who: AgentPrincipal, message: Any, why: InputError) -> None:
    """Turn away a message between agents that breaks its wire schema; of another type it says nothing.

    Raises what its sender gets: names and values of the message go to it alone, not into the journal.
    """
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str) or kind not in TYPES:
        return
    require_rate(hub, who)
    budget = f"malformed {who.instance}"
    named = isinstance(message.get("id"), str) and SENDERS_ID.fullmatch(message["id"])
    lasting = bool(named) and hub.live.chains.sent(budget) < MESSAGES_OF_A_TASK_MAX
    reason = f"it breaks the schema of a {kind} in {len(why.fields) or 1} place(s)"
    broken = Rejection(
        check=CheckName.SCHEMA,
        reason=reason,
        rule="wire",
        fields=tuple((where[:200], what[:200]) for where, what in why.fields),
        lasting=lasting,
    )
    with durable():
        turn_away(hub, Sent(who=who, message=message, budget=budget), broken)


@contextmanager
def _claimed(hub: Hub, who: AgentPrincipal, envelope: Envelope) -> Iterator[Asked | None]:
    """Hold the request that a reply answers, so that two replies at once don't both pass."""
    if envelope.type is not MessageType.REPLY:
        yield None
        return
    message = envelope.to_message
    asked = hub.live.mail.claim(message, who.instance, now_s=hub.clock.boot_s())
    if asked is None and hub.live.mail.is_claimed(message, who.instance):
        raise Unavailable(
            f"{message} is being answered at this moment", retry_after_s=BUSY_RETRY_S
        ).of_check(CheckName.SCOPE)
    try:
        yield asked
    finally:
        if asked is not None:
            hub.live.mail.unclaim(message)


def _pass_on(
    hub: Hub,
    sent: Sent,
    envelope: Envelope,
    found: Delivery,
    asked: Asked | None,
    judged_by: Fleet,
) -> Message:
    """Write and deliver what was judged.

    Raises Moved when another generation is in force by then, or a recipient was quarantined.
    """
    places = [Place(each.agent, each.instance) for each in found.recipients]
    size = LETTER_BYTES + size_of(envelope.payload)
    sender = sent.who.agent
    granted = hub.live.mail.reserve(places, sender, size, now_s=hub.clock.boot_s())
    if places and not granted:
        raise Throttled("no more fits into the mailbox now", retry_after_s=FULL_RETRY_S).of_check(
            CheckName.MAILBOX
        )
    letter = _letter(hub, sent, envelope, found, size, asked)
    try:
        first = narrowing.keep(
            hub,
            judged_by,
            lambda txn: _record(hub, txn, sent, envelope, found, letter, len(granted)),
            verb=Verb.MESSAGE,
            repeated=lambda txn: first_answer(txn, sent),
        )
    except BaseException:
        hub.live.mail.release(granted, sender, size)
        raise
    if first is not None:
        hub.live.mail.release(granted, sender, size)
        return first
    hub.live.chains.count(envelope.task)
    if asked is not None:
        hub.live.mail.settle(asked.message)
    mail.fill(hub, granted, letter, _asking(letter, envelope, sent.who))
    mail.withdraw_apart(hub, granted)
    return _answer(sent, letter, len(granted))


def _letter(
    hub: Hub,
    sent: Sent,
    envelope: Envelope,
    found: Delivery,
    size: int,
    asked: Asked | None,
) -> Letter:
    ttl_s = envelope.timeout_s if envelope.type is MessageType.REQUEST else TTL_S
    return Letter(
        id=hub.ids.new("msg"),
        type=envelope.type,
        sender=sent.who.agent,
        sender_instance=sent.who.instance,
        label=sent.label,
        kind=envelope.kind,
        payload=envelope.payload,
        topic=envelope.to_topic,
        answers=asked.message if asked else "",
        hops=found.hops,
        for_attempt=asked.attempt if asked else None,
        bytes=size,
        sent_at_s=hub.clock.wall_s(),
        expires_s=hub.clock.boot_s() + ttl_s,
    )


def _asking(letter: Letter, envelope: Envelope, who: AgentPrincipal) -> Asked | None:
    if letter.type is not MessageType.REQUEST:
        return None
    return Asked(
        message=letter.id,
        agent=who.agent,
        instance=who.instance,
        attempt=(envelope.task, envelope.attempt),
        expires_s=letter.expires_s,
    )


def _record(
    hub: Hub,
    txn: Txn,
    sent: Sent,
    envelope: Envelope,
    found: Delivery,
    letter: Letter,
    granted: int,
) -> Message | None:
    """Write the decision, the journal's line and the answer. Raises Moved, Conflict."""
    if quarantined_agents.names(txn) & {each.agent for each in found.recipients}:
        raise narrowing.Moved
    if standing_of(txn, sent.who, envelope.task, envelope.attempt) is None:
        why = stale(envelope.task, envelope.attempt)
        raise Conflict(why.reason, hint=why.hint).of_check(why.check)
    decided = Decision(
        allowed=True,
        rule=found.decision.rule,
        reason=f"{found.decision.reason}; for {granted}, {found.left_out} left out by label",
    )
    note(
        hub,
        txn,
        "message.sent",
        who=sent.who.spiffe_id,
        subject=letter.id,
        decision=note_decision(hub, txn, found.question, decided),
        label=letter.label,
        type=letter.type.value,
        payload_kind=letter.kind,
        to=shown(envelope),
        topic=letter.topic,
        recipients=granted,
        left_out=found.left_out,
        full=len(found.recipients) - granted or "",
        hops=letter.hops or "",
        payload_sha256=digest(letter.payload),
        task=envelope.task,
        attempt=envelope.attempt,
    )
    said = digest(sent.message)
    answers.remember(txn, sent.who.instance, envelope.id, said, _answer(sent, letter, granted))
    return None


def _answer(sent: Sent, letter: Letter, recipients: int) -> Message:
    return {
        "id": sent.message["id"],
        "accepted": True,
        "message": letter.id,
        "recipients": recipients,
    }
