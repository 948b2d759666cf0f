"""Table tasks: records, bodies and the indexes over them, which `put` keeps right."""

import heapq
from collections.abc import Iterator
from itertools import chain

from agentctl.errors import Conflict, NotFound
from agentctl.model.task import Task, TaskBody, TaskState
from agentctl.store import counters, keys, task_events, task_index
from agentctl.store.codec import Codec, decoded
from agentctl.store.txn import Table, Txn

PAGE_MAX = 1000  # tasks in one page: results may be large
LOOKED_AT_MAX = 5000  # records read for one page when labels are asked for: some 40 ms

_tasks = Codec(Table.TASKS, Task)
_bodies = Codec(Table.TASK_BODIES, TaskBody)


def add(txn: Txn, task: Task, body: TaskBody) -> None:
    """Store a new task; raises Conflict when its id is taken."""
    key = keys.text(task.id)
    if txn.get(Table.TASKS, key) is not None:
        raise Conflict(f"task {task.id} exists already")
    txn.put(Table.TASKS, key, _tasks.encode(task))
    txn.put(Table.TASK_BODIES, key, _bodies.encode(body))
    task_index.move(txn, task_index.NOWHERE, task_index.place(task))


def put(txn: Txn, task: Task) -> None:
    """Replace a task's record; raises NotFound when it was never added."""
    old = _known(txn, task.id)
    txn.put(Table.TASKS, keys.text(task.id), _tasks.encode(task))
    task_index.move(txn, task_index.place(old), task_index.place(task))


def get(txn: Txn, task_id: str) -> Task | None:
    """Return a task's record, or None."""
    key = keys.text(task_id)
    return decoded(_tasks, key, txn.get(Table.TASKS, key))


def body(txn: Txn, task_id: str) -> TaskBody | None:
    """Return what a task was submitted with, or None."""
    key = keys.text(task_id)
    return decoded(_bodies, key, txn.get(Table.TASK_BODIES, key))


def forget(txn: Txn, task_id: str) -> bool:
    """Delete a task with all that stands under its id; return whether it was known."""
    task = get(txn, task_id)
    if task is None:
        return False
    key = keys.text(task_id)
    txn.delete(Table.TASKS, key)
    txn.delete(Table.TASK_BODIES, key)
    task_events.forget(txn, task_id)
    task_index.move(txn, task_index.place(task), task_index.NOWHERE)
    return True


def queued(txn: Txn, agent: str) -> Iterator[str]:
    """Yield the ids of an agent's queued tasks: highest priority first, then oldest."""
    return _ids(txn, Table.TASKS_QUEUED, keys.text(agent), rank_bytes=keys.NUMBER_BYTES)


def first_queued(txn: Txn, agent: str) -> str | None:
    """Return the id of the task that an agent gets next, or None."""
    return next(queued(txn, agent), None)


def oldest_queued(txn: Txn, agent: str) -> str | None:
    """Return the id of an agent's queued task that was submitted first, whatever its priority, or None."""
    return next(_ids(txn, Table.TASKS_BY_AGENT, keys.text(agent, TaskState.QUEUED)), None)


def in_state(txn: Txn, state: TaskState) -> Iterator[str]:
    """Yield the ids of the tasks in `state`, oldest first."""
    return _ids(txn, Table.TASKS_BY_STATE, keys.text(state))


def live(txn: Txn) -> Iterator[str]:
    """Yield the ids of the tasks that somebody holds a lease on."""
    return chain(in_state(txn, TaskState.LEASED), in_state(txn, TaskState.RUNNING))


def deadline_passed(txn: Txn, now_s: float) -> Iterator[str]:
    """Yield the waiting tasks whose deadline is before `now_s` (wall clock seconds), earliest first."""
    end = keys.moment(now_s)
    for key, _ in txn.scan(Table.TASKS_DEADLINE):
        if key[: keys.NUMBER_BYTES] > end:
            return
        yield key[keys.NUMBER_BYTES : -1].decode()


def index_deadlines(txn: Txn) -> None:
    """Write table tasks_deadline from the tasks: part of the step from schema 1 to 2."""
    for task_id in _ids(txn, Table.TASKS, b""):
        for table, key in task_index.place(_known(txn, task_id)).entries:
            if table is Table.TASKS_DEADLINE:
                txn.put(table, key, b"")


def live_of(txn: Txn, instance: str) -> list[Task]:
    """Return the tasks that `instance` holds a lease on, oldest first."""
    return [_known(txn, each) for each in _ids(txn, Table.TASKS_LIVE, keys.text(instance))]


def children(txn: Txn, parent: str) -> list[Task]:
    """Return the tasks that were delegated under a task, oldest first; there are few (CHILDREN_MAX)."""
    return [_known(txn, each) for each in _ids(txn, Table.TASKS_CHILDREN, keys.text(parent))]


def delegated(txn: Txn) -> Iterator[str]:
    """Yield the ids of the delegated tasks that haven't ended, oldest first."""
    return _ids(txn, Table.TASKS_DELEGATED, b"")


def page(
    txn: Txn,
    *,
    state: TaskState | None = None,
    agent: str | None = None,
    labels: tuple[tuple[str, str], ...] = (),
    since_s: float | None = None,
    limit: int = 50,
    before: str | None = None,
) -> tuple[list[Task], str | None]:
    """Return up to `limit` tasks, newest first, and the id that the next page begins before.

    Only those that carry all `labels` and were submitted at `since_s` (wall clock) or later. The
    id is None on the last page; a page may hold fewer than `limit`, even none, and not be the
    last: LOOKED_AT_MAX bounds what one page costs. `limit` is held to PAGE_MAX.
    """
    limit = max(1, min(limit, PAGE_MAX))
    found: list[Task] = []
    last = before
    for looked_at, task_id in enumerate(
        _newest_first(txn, state=state, agent=agent, before=before)
    ):
        if looked_at == LOOKED_AT_MAX:
            return found, last
        task, last = _known(txn, task_id), task_id
        if since_s is not None and task.submitted_at_s < since_s:
            break  # ids are in the order of their making: all that follow are older
        if all(each in task.labels for each in labels):
            if len(found) == limit:
                return found, found[-1].id
            found.append(task)
    return found, None


def counts(txn: Txn) -> dict[str, int]:
    """Return how many tasks are in each state, 0 included; its cost doesn't grow with the tasks."""
    kept = dict(counters.under(txn, task_index.COUNT_BY_STATE))
    return {state.value: kept.get(state.value, 0) for state in TaskState}


def waiting(txn: Txn) -> int:
    """Return how many tasks are held or queued."""
    return sum(
        counters.get(txn, (task_index.COUNT_BY_STATE, state.value)) for state in task_index.WAITING
    )


def load(txn: Txn, agent: str) -> int:
    """Return how many tasks wait for or are held by an agent."""
    return counters.get(txn, (task_index.COUNT_LOAD, agent))


def waiting_for(txn: Txn, agent: str) -> int:
    """Return how many tasks are queued for an agent; its cost grows with those it works on alone."""
    at_work = sum(
        1
        for state in (TaskState.LEASED, TaskState.RUNNING)
        for _ in _ids(txn, Table.TASKS_BY_AGENT, keys.text(agent, state))
    )
    return load(txn, agent) - at_work


def _known(txn: Txn, task_id: str) -> Task:
    task = get(txn, task_id)
    if task is None:
        raise NotFound(f"no task {task_id}")
    return task


def _ids(
    txn: Txn,
    table: Table,
    prefix: bytes,
    *,
    rank_bytes: int = 0,
    before: str | None = None,
    reverse: bool = False,
) -> Iterator[str]:
    """Yield the task ids that end the keys with `prefix`; a rank may stand between."""
    after = None if before is None else prefix + keys.text(before)
    start = len(prefix) + rank_bytes
    return (key[start:-1].decode() for key, _ in txn.scan(table, prefix, after, reverse))


def _newest_first(
    txn: Txn, *, state: TaskState | None, agent: str | None, before: str | None
) -> Iterator[str]:
    """Yield ids from high to low, from the index that holds exactly the tasks asked for."""
    if agent is not None:
        states = list(TaskState) if state is None else [state]
        prefixes = [keys.text(agent, each) for each in states]
        table = Table.TASKS_BY_AGENT
    elif state is not None:
        prefixes, table = [keys.text(state)], Table.TASKS_BY_STATE
    else:
        prefixes, table = [b""], Table.TASKS
    each = [_ids(txn, table, prefix, before=before, reverse=True) for prefix in prefixes]
    return heapq.merge(*each, reverse=True)
