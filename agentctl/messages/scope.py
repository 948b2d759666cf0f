"""Whom a message may be meant for: declared, subscribed, asking, allowed by the rules, within bounds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from agentctl.messages.values import Facts, Fellow, Rejection, Sender
from agentctl.model.decision import Decision, Question
from agentctl.model.message import (
    HOPS_MAX,
    MESSAGES_OF_A_TASK_MAX,
    CheckName,
    Envelope,
    Filter,
    MessageType,
)

VERB = "message.send"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom scope lets a message be meant for, and the question and answer that let it."""

    fellows: tuple[Fellow, ...]
    question: Question
    decision: Decision
    instance: str = ""  # of a reply: the one container that asked
    hops: int = 0


def scope(envelope: Envelope, sender: Sender, facts: Facts) -> Reach | Rejection:
    """Return whom a message may be meant for, or why nobody."""
    if sender.agent not in facts.fellows:
        return _no(f"{sender.agent} is no longer declared", rule="declared")
    if sender.sent >= MESSAGES_OF_A_TASK_MAX:
        return _no(
            f"the task has sent {sender.sent} messages, the most that one may",
            rule="messages of a task",
            lasting=False,  # more of these are refused alike; none of them is kept
        )
    if envelope.type is MessageType.REPLY:
        return _reply(envelope, sender, facts)
    if sender.hops >= HOPS_MAX:
        return _no(
            f"it would be message {sender.hops + 1} in a chain of which each caused the next,"
            f" at most {HOPS_MAX}",
            rule="hops",
        )
    if envelope.type is MessageType.REQUEST:
        return _request(envelope, sender, facts)
    if envelope.type is MessageType.EVENT:
        return _event(envelope, sender, facts)
    return _broadcast(envelope, sender, facts)


def question(envelope: Envelope, sender: Sender, facts: Facts, fellow: Fellow | str) -> Question:
    """Return the access rules' question: may the sender say this to an agent, or (by name) to a target?"""
    known = None if isinstance(fellow, str) else fellow
    return Question(
        verb=VERB,
        principal=f"agent:{sender.agent}",
        target=f"agent:{known.name}" if known else str(fellow),
        level=sender.label,
        type=envelope.type.value,
        kind=envelope.kind,
        capabilities=known.capabilities if known else (),
        labels=known.labels if known else (),
        at_s=facts.at_s,
    )


def _request(envelope: Envelope, sender: Sender, facts: Facts) -> Reach | Rejection:
    fellow = facts.fellows.get(envelope.to_agent)
    asked = question(envelope, sender, facts, fellow or f"agent:{envelope.to_agent}")
    answer = facts.decide(asked)
    if not answer.allowed:  # for an agent that isn't declared too: names can't be tried out
        return _no(answer.reason, rule=answer.rule, question=asked)
    if fellow is None:
        return _no(f"no agent {envelope.to_agent} is declared", rule="declared", question=asked)
    if fellow.name in facts.apart:
        return _no(
            f"{fellow.name} is quarantined",
            rule="quarantine",
            hint="it gets no messages until an operator releases it",
            question=asked,
            lasting=False,
        )
    return Reach(fellows=(fellow,), question=asked, decision=answer, hops=sender.hops + 1)


def _reply(envelope: Envelope, sender: Sender, facts: Facts) -> Reach | Rejection:
    asked_by = facts.asked
    fellow = facts.fellows.get(asked_by.agent) if asked_by else None
    if asked_by is None or fellow is None:
        return _no(
            f"{envelope.to_message} is no request that this container was handed and may still answer",
            rule="request",
            hint="each is answered once, within its time, by the container that it was handed to",
        )
    asked = question(envelope, sender, facts, fellow)
    answer = facts.decide(asked)
    if not answer.allowed:
        return _no(answer.reason, rule=answer.rule, question=asked)
    return Reach(fellows=(fellow,), instance=asked_by.instance, question=asked, decision=answer)


def _event(envelope: Envelope, sender: Sender, facts: Facts) -> Reach | Rejection:
    topic = envelope.to_topic
    asked = question(envelope, sender, facts, f"topic:{topic}")
    if topic not in sender.publishes:
        return _no(
            f"{sender.agent} doesn't publish {topic}",
            rule="publishes",
            hint=f"it publishes {', '.join(sender.publishes) or 'nothing'}",
            question=asked,
        )
    answer = facts.decide(asked)
    if not answer.allowed:
        return _no(answer.reason, rule=answer.rule, question=asked)
    fellows = tuple(each for each in _within_reach(facts) if topic in each.subscribes)
    return Reach(fellows=fellows, question=asked, decision=answer, hops=sender.hops + 1)


def _broadcast(envelope: Envelope, sender: Sender, facts: Facts) -> Reach | Rejection:
    judged = list(_judged(envelope, sender, facts))
    allowed = [each for each in judged if each[2].allowed]
    if not allowed:
        if judged:
            _, asked, answer = judged[0]
            return _no(answer.reason, rule=answer.rule, question=asked)
        return _no("no agent is what the broadcast asks for", rule="filter")
    _, asked, answer = allowed[0]
    return Reach(
        fellows=tuple(fellow for fellow, _, _ in allowed),
        question=asked,
        decision=answer,
        hops=sender.hops + 1,
    )


def _judged(
    envelope: Envelope, sender: Sender, facts: Facts
) -> Iterator[tuple[Fellow, Question, Decision]]:
    for fellow in filtered(envelope.to_filter, _within_reach(facts)):
        asked = question(envelope, sender, facts, fellow)
        yield fellow, asked, facts.decide(asked)


def _within_reach(facts: Facts) -> Iterator[Fellow]:
    return (each for each in facts.fellows.values() if each.name not in facts.apart)


def filtered(wanted: Filter, fellows: Iterable[Fellow]) -> Iterator[Fellow]:
    """Yield the agents that meet all that a filter asks for."""
    for each in fellows:
        named = not wanted.agents or any(fnmatchcase(each.name, one) for one in wanted.agents)
        if (
            named
            and set(wanted.labels) <= set(each.labels)
            and set(wanted.capabilities) <= set(each.capabilities)
        ):
            yield each


def _no(
    reason: str,
    *,
    rule: str,
    hint: str = "",
    question: Question | None = None,
    lasting: bool = True,
) -> Rejection:
    return Rejection(
        check=CheckName.SCOPE,
        reason=reason,
        rule=rule,
        hint=hint,
        question=question,
        lasting=lasting,
    )
