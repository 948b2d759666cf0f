"""What becomes of delegated tasks: their results go to who delegated them, and they end with their reason.

Level-triggered: both look at the tasks as they are, so nothing is missed over a restart.
"""

from contextlib import suppress
from typing import Any

from agentctl.model.instance import Instance
from agentctl.model.message import Letter, MessageType
from agentctl.model.mode import Verb
from agentctl.model.task import FINAL, LIVE, Task, TaskState
from agentctl.monitor import permits
from agentctl.service import mail
from agentctl.service.context import Hub
from agentctl.service.poll import holds_lease
from agentctl.service.record import note_task
from agentctl.store import Txn, instances
from agentctl.store import tasks as task_table
from agentctl.tasks import Impossible, cancel

RESULT_KEPT_S = 7 * 86400.0  # a task lasts a week at most
LETTER_BYTES = 1024  # beside text and structured output
CANCELLED_AT_ONCE_MAX = 200
ROUNDS_MAX = 8  # a task's children's children …: more than delegation goes deep

Row = dict[str, Any]

_WITHOUT_RESULT = {
    TaskState.COMPLETED: "it ended without a result",
    TaskState.FAILED: "it failed",
    TaskState.CANCELLED: "it was cancelled",
    TaskState.TIMED_OUT: "its time was up",
    TaskState.DEAD: "its attempts were lost, and none is left",
}


def look_after(hub: Hub) -> None:
    """Tell delegators what has ended, and cancel what nobody waits for any more."""
    if hub.fleet is None:
        return
    tell(hub)
    if permits(hub.mode, "", Verb.CANCEL):
        for _ in range(ROUNDS_MAX):
            if not _cancel_orphans(hub):
                break
        tell(hub)


def recall(hub: Hub) -> None:
    """After a restart: have every delegator that still works told again; boxes were lost."""
    with hub.store.read() as txn:
        for parent in task_table.live(txn):
            ended = (each for each in task_table.children(txn, parent) if each.state in FINAL)
            hub.live.ended.update(each.id for each in ended)


def tell(hub: Hub) -> None:
    """Put the results of delegated tasks that ended into their delegators' boxes."""
    while hub.live.ended:
        with suppress(KeyError):  # another thread took it
            _tell(hub, hub.live.ended.pop())


def _tell(hub: Hub, task_id: str) -> None:
    with hub.store.read() as txn:
        task = task_table.get(txn, task_id)
        if task is None or task.state not in FINAL or not _is_awaited(txn, task):
            return
        assert task.delegated is not None
        instance = instances.get(txn, task.delegated.instance)
    if instance is not None and instance.alive:
        mail.put(hub, instance, _letter(hub, task, instance))


def _is_awaited(txn: Txn, task: Task) -> bool:
    """Whether the attempt that delegated a task is still the current one of its parent."""
    owed = task.delegated
    parent = task_table.get(txn, task.parent) if task.parent else None
    return (
        owed is not None and parent is not None and holds_lease(parent, owed.instance, owed.attempt)
    )


def _letter(hub: Hub, task: Task, delegator: Instance) -> Letter:
    assert task.parent is not None
    assert task.delegated is not None
    payload, label = _payload(hub, task, delegator)
    size = len(str(payload.get("text", "")).encode()) + len(str(payload.get("structured", "")))
    return Letter(
        id=f"msg-{task.id.removeprefix('task-')}",
        type=MessageType.DELEGATED,
        sender=task.agent or delegator.agent,
        label=label,
        payload=payload,
        bytes=LETTER_BYTES + size,
        sent_at_s=hub.clock.wall_s(),
        expires_s=hub.clock.boot_s() + RESULT_KEPT_S,
        task=task.id,
        for_attempt=(task.parent, task.delegated.attempt),
    )


def _payload(hub: Hub, task: Task, delegator: Instance) -> tuple[Row, str]:
    """Return what the delegator is told, and under which label; a result that it may not hold stays away.

    A task's own error is for operators: it says who did what, where containers and providers are,
    and quotes attempts before. An agent is told what its colleague said, or in the hub's words.
    """
    row: Row = {"state": task.state.value}
    result = task.result
    if result is None:
        return row | {"detail": _WITHOUT_RESULT[task.state]}, delegator.label
    fleet = hub.fleet
    may = fleet is not None and (
        fleet.levels.at_most(result.label, delegator.label)
        and fleet.levels.may_cross(result.label, delegator.boundary)
    )
    if not may:
        why = f"the result is {result.label}, this container is {delegator.label}"
        return row | {"withheld": why}, delegator.label
    row |= {"text": result.text, "reason": result.reason, "detail": result.detail}
    if result.structured is not None:
        row["structured"] = result.structured
    return {name: value for name, value in row.items() if value not in ("", None)}, result.label


def _cancel_orphans(hub: Hub) -> bool:
    """Cancel delegated tasks whose delegator is gone; return whether there were any."""
    with hub.store.read() as txn:
        open_ = (task_table.get(txn, each) for each in task_table.delegated(txn))
        found = [each.id for each in open_ if each is not None and _why_cancel(txn, each)]
    found = found[:CANCELLED_AT_ONCE_MAX]
    if not found:
        return False
    ended = hub.store.write(lambda txn: _cancel(hub, txn, found))
    keys = [key for each in ended for key in (f"instance:{each.instance}", f"task:{each.id}")]
    hub.live.waiters.wake(*keys, "reconciler")
    return bool(ended)


def _why_cancel(txn: Txn, task: Task) -> str:
    """Return why nobody waits for a delegated task, "" while somebody does or its parent completed."""
    owed = task.delegated
    parent = task_table.get(txn, task.parent) if task.parent else None
    if owed is None or task.state in FINAL:
        return ""
    if parent is None:
        return "the task that delegated it is gone"
    if parent.state is TaskState.COMPLETED:
        return ""
    if parent.state in LIVE and holds_lease(parent, owed.instance, owed.attempt):
        return ""
    if parent.state in FINAL:
        return f"{parent.id}, which delegated it, is {parent.state}"
    return f"the attempt {owed.attempt} of {parent.id} that delegated it was lost"


def _cancel(hub: Hub, txn: Txn, task_ids: list[str]) -> list[Task]:
    ended = []
    for task_id in task_ids:
        task = task_table.get(txn, task_id)
        why = _why_cancel(txn, task) if task is not None else ""
        if task is None or not why:
            continue
        with suppress(Impossible):
            after = cancel(task, reason=why, now_s=hub.clock.wall_s())
            task_table.put(txn, after)
            note_task(hub, txn, after, "cancelled", who="hub", detail=why)
            ended.append(after)
    return ended
