"""Decide again where waiting tasks go: after a generation changed what agents may take."""

from functools import partial

from agentctl.model.decision import Decision
from agentctl.model.task import Task, TaskState
from agentctl.routing import NoRoute
from agentctl.service import route_task
from agentctl.service.context import Fleet, Hub
from agentctl.service.record import note_decision, note_task
from agentctl.store import Txn
from agentctl.store import tasks as task_table
from agentctl.tasks import hold, queue, withdraw

BATCH = 200  # tasks decided in one transaction; others' writes wait no longer than that takes


def reroute(hub: Hub) -> int:
    """Route every held and queued task again; return how many moved.

    A hand-out checks again anyway, so a task that isn't reached yet can't go where it may not.
    """
    if hub.fleet is None:
        return 0
    hub.store.write(_nothing)  # what was routed by an older generation is written, so seen below
    with hub.store.read() as txn:
        waiting = [
            task_id
            for state in (TaskState.HELD, TaskState.QUEUED)
            for task_id in task_table.in_state(txn, state)
        ]
    moved: set[str] = set()
    for start in range(0, len(waiting), BATCH):
        batch = waiting[start : start + BATCH]
        moved |= hub.store.write(partial(_batch, hub, batch))
    hub.live.waiters.wake(*(f"agent:{agent}" for agent in moved))
    return len(moved)


def _nothing(_txn: Txn) -> None:
    return


def _batch(hub: Hub, task_ids: list[str], txn: Txn) -> set[str]:
    agents: set[str] = set()
    fleet = hub.fleet  # the newest: another may have been applied since the first batch
    assert fleet is not None
    for task_id in task_ids:
        task = task_table.get(txn, task_id)
        if task is None or task.state not in (TaskState.HELD, TaskState.QUEUED):
            continue
        after = _again(hub, txn, fleet, task)
        if after is not None:
            task_table.put(txn, after)
            agents.add(after.agent)
    return agents


def _again(hub: Hub, txn: Txn, fleet: Fleet, task: Task) -> Task | None:
    """Return the task where it goes now, or None when nothing changes for it."""
    found = route_task.pick(txn, fleet, task, hub.live.unusable)
    if isinstance(found, NoRoute):
        if task.state is TaskState.HELD:
            return hold(task, found.reason) if task.held_reason != found.reason else None
        after = withdraw(task, found.reason)
        note_task(hub, txn, after, "withdrawn", who="hub", detail=found.reason)
        return after
    now = task.routed
    if now is not None and (now.agent, now.provider, now.boundary) == (
        found.agent,
        found.provider,
        found.boundary,
    ):
        return None
    if now is not None:
        task = withdraw(task, "routed again")
    asked = route_task.question(task, found.agent)
    answer = Decision(allowed=True, rule=found.rule, reason=f"routed again by {found.rule!r}")
    decision_id = note_decision(hub, txn, asked, answer)
    after = queue(task, route_task.routed(found, fleet, decision_id))
    note_task(hub, txn, after, "queued", who="hub", detail=answer.reason)
    return after
