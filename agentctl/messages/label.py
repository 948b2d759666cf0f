"""Who may have a message of this label: nobody below it, and nobody beyond a boundary that it may not cross.

No rule of the files can allow what is refused here.
"""

from collections.abc import Iterator

from agentctl.messages.scope import Reach
from agentctl.messages.values import (
    Box,
    Delivery,
    Facts,
    Fellow,
    Levels,
    Recipient,
    Rejection,
    Sender,
)
from agentctl.model.message import FAN_OUT_MAX, CheckName, Envelope, MessageType

RULE = "label"


def label(envelope: Envelope, sender: Sender, facts: Facts, reach: Reach) -> Delivery | Rejection:
    """Return where a message goes, or that nobody whom it is meant for may have it."""
    if envelope.type is MessageType.REQUEST:
        return _to_queue(sender, facts, reach)
    found = list(_boxes(envelope, sender, facts, reach))
    allowed = [recipient for recipient, why in found if not why]
    barred = [why for _, why in found if why]
    if barred and not allowed:
        return _refused(sender, reach, barred[0])
    fit = tuple(each for each in allowed if each.instance)
    if envelope.type is MessageType.REPLY and not fit:
        return _gone(reach)
    return Delivery(
        recipients=fit,
        question=reach.question,
        decision=reach.decision,
        hops=reach.hops,
        left_out=len(barred),
    )


def too_wide(envelope: Envelope, sender: Sender, facts: Facts, reach: Reach) -> Rejection | None:
    """Return the refusal of what is meant for more boxes than a message may go to; counted no further."""
    if envelope.type in (MessageType.REQUEST, MessageType.REPLY):
        return None
    boxes = 0
    for fellow in reach.fellows:
        boxes += sum(each.instance != sender.instance for each in facts.boxes(fellow.name))
        if boxes > FAN_OUT_MAX:
            return Rejection(
                check=CheckName.SCOPE,
                reason=f"it is meant for more than {FAN_OUT_MAX} containers",
                rule="fan-out",
                hint="ask for fewer: by name, label or capability",
                question=reach.question,
            )
    return None


def above_agent(levels: Levels, level: str, fellow: Fellow) -> str:
    """Return why no container of an agent may have what is of this level, "" when one may."""
    if not levels.at_most(level, fellow.clearance):
        return f"{fellow.name} is cleared for {fellow.clearance}, the message is {level}"
    if not levels.may_cross(level, fellow.boundary):
        return f"{level} may not cross boundary {fellow.boundary} of {fellow.name}"
    return ""


def above_box(levels: Levels, level: str, box: Box) -> str:
    """Return why a container may not have what is of this level, by what it was born with."""
    if not levels.at_most(level, box.label):
        return f"{box.instance} has label {box.label}, the message is {level}"
    if not levels.may_cross(level, box.boundary):
        return f"{level} may not cross boundary {box.boundary} of {box.instance}"
    return ""


def _to_queue(sender: Sender, facts: Facts, reach: Reach) -> Delivery | Rejection:
    fellow = reach.fellows[0]
    why = above_agent(facts.levels, sender.label, fellow)
    if why:
        return _refused(sender, reach, why)
    return Delivery(
        recipients=(Recipient(agent=fellow.name),),
        question=reach.question,
        decision=reach.decision,
        hops=reach.hops,
    )


def _boxes(
    envelope: Envelope, sender: Sender, facts: Facts, reach: Reach
) -> Iterator[tuple[Recipient, str]]:
    """Yield every box that a message is meant for, with why it may not go there ("" when it may).

    An agent whose containers may all not have it, or that has none now, stands for itself.
    """
    for fellow in reach.fellows:
        why = above_agent(facts.levels, sender.label, fellow)
        boxes = [] if why else _meant(envelope, sender, facts.boxes(fellow.name), reach)
        if not boxes:
            yield Recipient(agent=fellow.name), why
        for box in boxes:
            recipient = Recipient(agent=fellow.name, instance=box.instance)
            yield recipient, above_box(facts.levels, sender.label, box)


def _meant(envelope: Envelope, sender: Sender, boxes: tuple[Box, ...], reach: Reach) -> list[Box]:
    """Return the boxes that a message is meant for: the asker's, or all but the sender's own."""
    if envelope.type is MessageType.REPLY:
        return [each for each in boxes if each.instance == reach.instance]
    return [each for each in boxes if each.instance != sender.instance]


def _refused(sender: Sender, reach: Reach, why: str) -> Rejection:
    return Rejection(
        check=CheckName.LABEL,
        reason=why,
        rule=RULE,
        hint=f"all that leaves this container is {sender.label}",
        question=reach.question,
    )


def _gone(reach: Reach) -> Rejection:
    return Rejection(
        check=CheckName.SCOPE,
        reason="the container that asked has ended",
        rule="request",
        question=reach.question,
    )
