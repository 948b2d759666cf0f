"""Messages into boxes and out of them: who waits is woken, and each hand-out asks the labels again."""

from collections.abc import Sequence, Set
from contextlib import suppress
from typing import Any

from agentctl.errors import StoreUnavailable
from agentctl.model.instance import Instance
from agentctl.model.message import Asked, Letter, MessageType
from agentctl.model.mode import Verb
from agentctl.model.task import Task
from agentctl.monitor import permits
from agentctl.service import ephemeral
from agentctl.service.context import Fleet, Hub
from agentctl.service.live import WOKEN_FOR_ONE
from agentctl.service.mail_room import Place
from agentctl.service.mailboxes import Fate, Taken, Verdict
from agentctl.service.record import note
from agentctl.store import Txn, quarantined_agents

HOPPING = frozenset({MessageType.REQUEST, MessageType.EVENT, MessageType.BROADCAST})


def put(hub: Hub, instance: Instance, letter: Letter) -> bool:
    """Put the hub's own message into a container's box and wake it; False when the box is full.

    The same id again changes nothing. With `for_attempt` it is delivered to that attempt alone.
    """
    place = Place(instance.agent, instance.id)
    if not hub.live.mail.put(place, letter, now_s=hub.clock.boot_s()):
        return False
    wake(hub, (place,))
    return True


def fill(hub: Hub, places: Sequence[Place], letter: Letter, asked: Asked | None = None) -> None:
    """Put a message into boxes where its room is reserved, and wake who waits there."""
    hub.live.mail.fill(places, letter, asked)
    wake(hub, places)


def withdraw_apart(hub: Hub, places: Sequence[Place]) -> None:
    """Take back what was put into a queue of an agent that was quarantined since it was written.

    The quarantine has emptied the queue already, between the one and the other.
    """
    with hub.store.read() as txn:
        apart = quarantined_agents.all(txn)
    for agent in {each.agent for each in places} & set(apart):
        withdraw(hub, agent, apart[agent].spoken)


def withdraw(hub: Hub, agent: str, why: str) -> None:
    """Take the requests back that wait for any container of the agent."""
    letters = hub.live.mail.clear(Place(agent))
    if letters:
        hub.store.write(lambda txn: _note_all(hub, txn, letters, agent, why))


def _note_all(hub: Hub, txn: Txn, letters: Sequence[Letter], agent: str, why: str) -> None:
    for letter in letters:
        note_withdrawn(hub, txn, letter, to=agent, why=why)


def wake(hub: Hub, places: Sequence[Place]) -> None:
    """Wake the polls of boxes; of a queue's a few, since one of them takes it."""
    for each in places:
        if each.instance:
            hub.live.waiters.wake(f"instance:{each.instance}")
        else:
            hub.live.waiters.wake(f"mail:{each.agent}", at_most=_woken(hub, each.agent))


def _woken(hub: Hub, agent: str) -> int | None:
    """An ephemeral agent's containers have labels of their own: the first few may not take it."""
    spec = hub.fleet.agents.get(agent) if hub.fleet else None
    return None if spec is not None and ephemeral.is_ephemeral(spec) else WOKEN_FOR_ONE


def handed_out(
    hub: Hub, instance: Instance, held: Sequence[Task], room: int, apart: Set[str]
) -> list[dict[str, Any]]:
    """Return up to `room` messages for a container, as its poll's answer has them.

    `apart` are the agents in quarantine: nothing that they said before is handed over.
    """
    found = _taken(hub, instance, held, room, apart)
    if found.withdrawn:
        with suppress(StoreUnavailable):  # it is taken back either way
            hub.store.write(lambda txn: _note_withdrawn(hub, txn, instance, found))
    return [as_row(hub, letter) for letter in found.letters]


def _taken(hub: Hub, instance: Instance, held: Sequence[Task], room: int, apart: Set[str]) -> Taken:
    """Take up to `room` messages for a container that holds work; asked again against the fleet in force.

    A container without a lease gets none: nobody in it could read them, and what it later
    sent would have come from nowhere.
    """
    fleet = hub.fleet
    if fleet is None or not held or not permits(hub.mode, instance.host, Verb.MESSAGE):
        return Taken()
    attempts = frozenset((task.id, task.attempt) for task in held)
    found = hub.live.mail.take(
        Place(instance.agent, instance.id),
        room=room,
        now_s=hub.clock.boot_s(),
        judge=lambda letter: verdict(fleet, letter, instance, attempts, apart),
        requests=not instance.draining,
    )
    for letter in found.letters:
        if letter.type in HOPPING:
            hub.live.chains.raise_to(attempts, letter.hops)
    return found


def verdict(
    fleet: Fleet,
    letter: Letter,
    instance: Instance,
    attempts: frozenset[tuple[str, int]],
    apart: Set[str] = frozenset(),
) -> Verdict:
    """Return what becomes of a message that a container could take, by the fleet as it is now."""
    queued = letter.type is MessageType.REQUEST
    if queued and letter.sender_instance == instance.id:
        return Fate.LEAVE, "its own request"
    if letter.sender_instance and letter.sender in apart:
        return Fate.WITHDRAW, f"its sender {letter.sender} is quarantined"
    why = _no_more(fleet, letter, instance.agent)
    if why:
        return Fate.WITHDRAW, why
    if letter.for_attempt is not None and letter.for_attempt not in attempts:
        return Fate.WITHDRAW, "the attempt that it is for has ended"
    why = _above(fleet, letter.label, instance)
    if why:
        return (Fate.LEAVE if queued else Fate.WITHDRAW), why
    return Fate.GIVE, ""


def _no_more(fleet: Fleet, letter: Letter, agent: str) -> str:
    """Return why the fleet in force lets nobody of an agent have a message, "" when somebody may."""
    spec = fleet.agents.get(agent)
    provider = fleet.generation.desired.provider(spec.provider) if spec else None
    if spec is None or provider is None:
        return f"{agent} is no longer declared"
    if letter.sender_instance and letter.sender not in fleet.agents:
        return f"its sender {letter.sender} is no longer declared"
    if not fleet.levels.at_most(letter.label, spec.clearance):
        return f"{agent} is cleared for {spec.clearance}, the message is {letter.label}"
    if not fleet.levels.may_cross(letter.label, provider.boundary):
        return f"{letter.label} may not cross boundary {provider.boundary}"
    return ""


def _above(fleet: Fleet, label: str, instance: Instance) -> str:
    if not fleet.levels.at_most(label, instance.label):
        return f"the container's label is {instance.label}, the message is {label}"
    if not fleet.levels.may_cross(label, instance.boundary):
        return f"{label} may not cross boundary {instance.boundary}"
    return ""


def _note_withdrawn(hub: Hub, txn: Txn, instance: Instance, taken: Taken) -> None:
    """Record what was taken back before it was handed out."""
    for letter, why in taken.withdrawn:
        note_withdrawn(hub, txn, letter, to=instance.id, why=why)


def note_withdrawn(hub: Hub, txn: Txn, letter: Letter, *, to: str, why: str) -> None:
    """Record that a message was taken back; `to` is the container or the agent that it waited for."""
    note(
        hub,
        txn,
        "message.withdrawn",
        who="hub",
        subject=letter.id,
        label=letter.label,
        type=letter.type.value,
        sender=letter.sender,
        to=to,
        reason=why,
    )


def as_row(hub: Hub, letter: Letter) -> dict[str, Any]:
    """Return a message as a poll's answer has it."""
    row: dict[str, Any] = {
        "id": letter.id,
        "type": letter.type.value,
        "from": {"agent": letter.sender},
        "label": letter.label,
        "kind": letter.kind,
        "payload": letter.payload,
        "sent_at_s": letter.sent_at_s,
        "expires_in_s": round(max(0.0, letter.expires_s - hub.clock.boot_s()), 3),
    }
    extra = {"topic": letter.topic, "answers": letter.answers, "task": letter.task}
    return row | {name: value for name, value in extra.items() if value}
