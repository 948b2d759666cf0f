"""What has ended long ago is taken away, a little at a time, so that nothing waits for it.

Bounds are the operator's (`retention` in policies/monitoring.yaml). Journal lines go only as far as a
signed checkpoint reaches that is itself past the bound, after a checkpoint has said that they go.
Source: docs/decisions/0010-journal-and-state.md.
"""

from collections.abc import Iterator

from agentctl.model.fleet import Retention
from agentctl.model.instance import Instance
from agentctl.model.task import FINAL, Task
from agentctl.service import artifacts, checkpoints
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.store import Txn, answers, decisions, idempotency, instances
from agentctl.store import checkpoints as checkpoint_table
from agentctl.store import journal as journal_table
from agentctl.store import tasks as task_table

TASKS_AT_ONCE = 50  # some ten deletes each: five milliseconds in which no other write starts
RECORDS_AT_ONCE = 500


def step(hub: Hub) -> bool:
    """Take one small batch of each kind away; return whether there is more to take now."""
    bounds = hub.fleet.generation.desired.monitoring.retention if hub.fleet else Retention()
    now_s = hub.clock.wall_s()
    ended_s, journal_s = now_s - bounds.tasks_s, now_s - bounds.journal_s
    return any(
        [
            _tasks(hub, ended_s),
            _instances(hub, ended_s),
            _decisions(hub, journal_s),
            _journal(hub, journal_s),
        ]
    )


def _tasks(hub: Hub, before_s: float) -> bool:
    with hub.store.read() as txn:
        found = _ended_tasks(txn, before_s)

    def work(txn: Txn) -> list[str]:
        gone = list(_without_answers(txn, found))
        for task_id in gone:
            task_table.forget(txn, task_id)
            idempotency.forget(txn, task_id)
        if gone:
            _note(hub, txn, "tasks", len(gone), first=gone[0], last=gone[-1])
        return gone

    if not found:
        return False
    gone = hub.store.write(work)
    artifacts.forget(hub, gone)
    return len(found) == TASKS_AT_ONCE or len(gone) < len(found)


def _without_answers(txn: Txn, task_ids: list[str]) -> Iterator[str]:
    """Delete a batch of what stands of tasks' model calls and tunnels; yield the tasks that have no more."""
    left = RECORDS_AT_ONCE
    for task_id in task_ids:
        left -= answers.forget(txn, task_id, at_most=left)
        if left <= 0:
            return
        yield task_id


def _ended_tasks(txn: Txn, before_s: float) -> list[str]:
    """Return up to TASKS_AT_ONCE tasks that ended before `before_s`.

    Each state's tasks come in the order of their submits: behind the first that was
    submitted since, none can have ended before.
    """
    found: list[str] = []
    for state in sorted(FINAL):
        for task_id in task_table.in_state(txn, state):
            task = task_table.get(txn, task_id)
            if task is None or task.submitted_at_s >= before_s:
                break
            if _ended_before(task, before_s):
                found.append(task_id)
            if len(found) == TASKS_AT_ONCE:
                return found
    return found


def _ended_before(task: Task, before_s: float) -> bool:
    return task.finished_at_s is not None and task.finished_at_s < before_s


def _instances(hub: Hub, before_s: float) -> bool:
    with hub.store.read() as txn:
        found = _ended_instances(txn, before_s)

    def work(txn: Txn) -> None:
        for each in found:
            instances.forget(txn, each.id)
            answers.forget(txn, each.id)
        _note(hub, txn, "instances", len(found), first=found[0].id, last=found[-1].id)

    if found:
        hub.store.write(work)
    return len(found) == RECORDS_AT_ONCE


def _ended_instances(txn: Txn, before_s: float) -> list[Instance]:
    found: list[Instance] = []
    for each in instances.all(txn):
        if each.created_at_s >= before_s or len(found) == RECORDS_AT_ONCE:
            break
        if not each.alive and each.ended_at_s is not None and each.ended_at_s < before_s:
            found.append(each)
    return found


def _decisions(hub: Hub, before_s: float) -> bool:
    with hub.store.read() as txn:
        found = decisions.oldest(txn, before_s=before_s, limit=RECORDS_AT_ONCE)

    def work(txn: Txn) -> None:
        for each in found:
            decisions.forget(txn, each)
        _note(hub, txn, "decisions", len(found), first=found[0], last=found[-1])

    if found:
        hub.store.write(work)
    return len(found) == RECORDS_AT_ONCE


def _journal(hub: Hub, before_s: float) -> bool:
    with hub.store.read() as txn:
        through = min(_covered(txn, before_s), journal_table.head(txn).seq - 1)
        if through <= journal_table.beginning(txn).seq:
            return False
    _announce(hub, through)

    def work(txn: Txn) -> int:
        retired = journal_table.retire(txn, through=through, limit=RECORDS_AT_ONCE)
        last = journal_table.beginning(txn).seq
        checkpoint_table.drop(txn, through=last - 1, limit=RECORDS_AT_ONCE)
        _note(hub, txn, "journal", retired, last=str(last))
        return retired

    return hub.store.write(work) == RECORDS_AT_ONCE


def _covered(txn: Txn, before_s: float) -> int:
    """Return the line that the newest checkpoint from before `before_s` speaks of: it and all before are older.

    0 when there is none.
    """
    through = 0
    after = 0
    while page := checkpoint_table.read(txn, after=after):
        for each in page:
            if each.checkpoint.at_s >= before_s:
                return through
            through = after = each.checkpoint.seq
    return through


def _announce(hub: Hub, through: int) -> None:
    """Have a checkpoint say that lines up to `through` may go, before the first of them does."""
    with hub.store.read() as txn:
        said = checkpoint_table.retirable(txn)
    if said < through:
        hub.store.write(lambda txn: checkpoint_table.set_retirable(txn, through))
    checkpoints.make_if_unsaid(hub)


def _note(hub: Hub, txn: Txn, what: str, count: int, **ends: str) -> None:
    note(hub, txn, f"retention.{what}", who="hub", count=count, **ends)
