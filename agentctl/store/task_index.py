"""Where a task stands in the indexes and counters: a function of its record, so that both move as one."""

from collections.abc import Iterator
from dataclasses import dataclass

from agentctl.model.task import FINAL, LIVE, Task, TaskState
from agentctl.store import counters, keys
from agentctl.store.txn import Table, Txn

COUNT_BY_STATE = "tasks_by_state"
COUNT_LOAD = "tasks_load"

WAITING = frozenset({TaskState.HELD, TaskState.QUEUED})
_WAITS_OR_RUNS = LIVE | {TaskState.QUEUED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Index keys and counters of one task record."""

    entries: frozenset[tuple[Table, bytes]]
    counted: frozenset[tuple[str, ...]]


NOWHERE = Place(entries=frozenset(), counted=frozenset())


def agent_of(task: Task) -> str:
    """Return whose task it is: the agent it was routed to, "" when held without one."""
    return task.routed.agent if task.routed else task.agent


def place(task: Task) -> Place:
    """Return where `task` stands."""
    return Place(entries=frozenset(_entries(task)), counted=frozenset(_counted(task)))


def move(txn: Txn, old: Place, new: Place) -> None:
    """Take a task from its old place to its new one; what stays isn't written again."""
    for table, key in old.entries - new.entries:
        txn.delete(table, key)
    for table, key in new.entries - old.entries:
        txn.put(table, key, b"")
    for name in old.counted - new.counted:
        counters.add(txn, name, -1)
    for name in new.counted - old.counted:
        counters.add(txn, name, 1)


def _entries(task: Task) -> Iterator[tuple[Table, bytes]]:
    agent = agent_of(task)
    yield Table.TASKS_BY_STATE, keys.text(task.state, task.id)
    yield Table.TASKS_BY_AGENT, keys.text(agent, task.state, task.id)
    if task.state is TaskState.QUEUED:
        rank = keys.descending(task.priority)
        yield Table.TASKS_QUEUED, keys.text(agent) + rank + keys.text(task.id)
    if task.state in WAITING and task.deadline_s is not None:
        yield Table.TASKS_DEADLINE, keys.moment(task.deadline_s) + keys.text(task.id)
    if task.state in LIVE and task.lease:
        yield Table.TASKS_LIVE, keys.text(task.lease.instance, task.id)
    if task.delegated is not None and task.parent:
        yield Table.TASKS_CHILDREN, keys.text(task.parent, task.id)
        if task.state not in FINAL:
            yield Table.TASKS_DELEGATED, keys.text(task.id)


def _counted(task: Task) -> Iterator[tuple[str, ...]]:
    yield COUNT_BY_STATE, task.state.value
    if task.state in _WAITS_OR_RUNS:
        yield COUNT_LOAD, agent_of(task)
