"""Decide again where waiting tasks go: after a generation changed what agents may take.

Where OPA is asked that takes time: the tasks are noted, and `service.owed` decides them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from agentctl.model.decision import Decision
from agentctl.model.task import Task, TaskState
from agentctl.opa import Allowed
from agentctl.routing import NoRoute
from agentctl.service import route_task, waits
from agentctl.service.context import Hub
from agentctl.service.fitting import is_decided
from agentctl.service.narrowing import Answers, Say, Unanswered, Unasked, among
from agentctl.service.record import note_decision, note_task
from agentctl.store import Txn
from agentctl.store import tasks as task_table
from agentctl.tasks import hold, queue, withdraw

BATCH = 200  # tasks decided in one transaction; others' writes wait no longer than that takes
ASKED_MAX = route_task.ASKED_MAX
WAITING = (TaskState.HELD, TaskState.QUEUED)


@dataclass(slots=True)
class Decided:
    """What came of a batch: agents with other work, tasks left without an answer, tasks to look at later."""

    agents: set[str] = field(default_factory=set)
    unanswered: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)


def reroute(hub: Hub) -> int:
    """Route every held and queued task again; return how many moved.

    A hand-out checks again anyway, so a task that isn't reached yet can't go where it may not.
    """
    if hub.fleet is None:
        return 0
    hub.store.write(_nothing)  # what was routed by an older generation is written, so seen below
    with hub.store.read() as txn:
        waiting = [task_id for state in WAITING for task_id in task_table.in_state(txn, state)]
        if waits.trying(hub.live):
            waiting.sort(key=lambda each: _put_off(txn, each))
    if hub.fleet.opa.enabled:
        hub.live.opa.owe(waiting)
        return 0
    moved: set[str] = set()
    for start in range(0, len(waiting), BATCH):
        answers: dict[str, Answers] = {each: {} for each in waiting[start : start + BATCH]}
        moved |= hub.store.write(partial(decide, hub, answers=answers)).agents
    wake(hub, moved)
    return len(moved)


def _put_off(txn: Txn, task_id: str) -> int:
    """Return how often a task met a provider that was away: who met it least is let through first.

    So a task whose own calls bring the failures about doesn't stand in the way of the others.
    """
    task = task_table.get(txn, task_id)
    return task.put_off if task is not None else 0


def one(hub: Hub, task_id: str) -> None:
    """Route one waiting task again: what it waited for may have ended before it began to wait."""
    if hub.fleet is None:
        return
    if hub.fleet.opa.enabled:
        hub.live.opa.owe([task_id])
        return
    answers: dict[str, Answers] = {task_id: {}}
    wake(hub, hub.store.write(partial(decide, hub, answers=answers)).agents)


def wake(hub: Hub, agents: set[str]) -> None:
    """Wake who waits for work of these agents."""
    hub.live.waiters.wake(*(f"agent:{agent}" for agent in agents))


def _nothing(_txn: Txn) -> None:
    return


def decide(hub: Hub, txn: Txn, answers: Mapping[str, Answers]) -> Decided:
    """Decide tasks by the fleet in force and the answers of OPA that are there for each."""
    found = Decided()
    for task_id, said in answers.items():
        task = task_table.get(txn, task_id)
        if task is None or task.state not in WAITING:
            continue
        say = say_of(hub, task, said)
        try:
            after = _again(hub, txn, say, task)
        except Unasked:
            found.later.append(task_id)
            continue
        except Unanswered as why:
            found.unanswered.append(task_id)
            after = _held_back(hub, txn, task, why)
        if after is not None:
            task_table.put(txn, after)
            found.agents.add(after.agent)
    return found


def say_of(hub: Hub, task: Task, answers: Answers) -> Say:
    """Return the say of the newest fleet in a task, of the answers that are there.

    Another may have been applied since the last batch. Where a queued task waits by OPA's word
    under this very generation, that word stands.
    """
    fleet = hub.fleet
    if fleet is None or task.routed is None or not is_decided(fleet, task):
        return among(hub, answers)
    asked = route_task.question(task, task.routed.agent)
    return among(hub, {(fleet.generation.number, asked): Allowed(), **answers})


def rehearse(hub: Hub, txn: Txn, task: Task, answers: Answers) -> None:
    """Raise Unasked where deciding a task needs an answer that isn't there. Writes nothing."""
    if task.state in WAITING:
        route_task.pick(txn, say_of(hub, task, answers), task, hub.live)


def _again(hub: Hub, txn: Txn, say: Say, task: Task) -> Task | None:
    """Return the task where it goes now, or None when nothing changes for it."""
    found = route_task.pick(txn, say, task, hub.live)
    if isinstance(found, NoRoute):
        if task.state is TaskState.HELD:
            return hold(task, found.reason) if task.held_reason != found.reason else None
        return _withdrawn(hub, txn, task, found.reason)
    now = task.routed
    stays = now is not None and (now.agent, now.provider, now.boundary) == (
        found.agent,
        found.provider,
        found.boundary,
    )
    if stays and is_decided(say.fleet, task):
        return None
    asked = route_task.question(task, found.agent)
    reason = f"routed again by {found.rule!r}"
    if say.fleet.opa.enabled:
        reason = f"{say.decide(asked).reason}; {reason}"
    answer = Decision(allowed=True, rule=found.rule, reason=reason)
    routed = route_task.routed(found, say.fleet, note_decision(hub, txn, asked, answer))
    if stays:
        return replace(task, routed=routed)
    if now is not None:
        task = withdraw(task, "routed again")
    after = queue(task, routed)
    note_task(hub, txn, after, "queued", who="hub", detail=answer.reason)
    return after


def _held_back(hub: Hub, txn: Txn, task: Task, why: Unanswered) -> Task | None:
    """Return the task held until OPA answers, None when it is for that reason already."""
    reason = why.decision.reason
    if task.state is TaskState.HELD:
        return hold(task, reason) if task.held_reason != reason else None
    note_decision(hub, txn, why.question, why.decision)
    return _withdrawn(hub, txn, task, reason)


def _withdrawn(hub: Hub, txn: Txn, task: Task, reason: str) -> Task:
    after = withdraw(task, reason)
    note_task(hub, txn, after, "withdrawn", who="hub", detail=reason)
    return after
