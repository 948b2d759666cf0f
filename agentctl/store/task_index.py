"""Where a task stands in the indexes and counters: a function of its record, so that both move as one."""

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
    return Place(entries=_entries(task), counted=_counted(task))


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


def _entries(task: Task) -> frozenset[tuple[Table, bytes]]:
    agent, state, own = keys.text(agent_of(task)), keys.text(task.state), keys.text(task.id)
    found = [(Table.TASKS_BY_STATE, state + own), (Table.TASKS_BY_AGENT, agent + state + own)]
    if task.state is TaskState.QUEUED:
        found.append((Table.TASKS_QUEUED, agent + keys.descending(task.priority) + own))
    if task.state in WAITING and task.deadline_s is not None:
        found.append((Table.TASKS_DEADLINE, keys.moment(task.deadline_s) + own))
    if task.state in LIVE and task.lease:
        found.append((Table.TASKS_LIVE, keys.text(task.lease.instance) + own))
    if task.delegated is not None and task.parent:
        found.append((Table.TASKS_CHILDREN, keys.text(task.parent) + own))
        if task.state not in FINAL:
            found.append((Table.TASKS_DELEGATED, own))
    return frozenset(found)


def _counted(task: Task) -> frozenset[tuple[str, ...]]:
    by_state = (COUNT_BY_STATE, task.state.value)
    if task.state in _WAITS_OR_RUNS:
        return frozenset((by_state, (COUNT_LOAD, agent_of(task))))
    return frozenset((by_state,))
