"""Table task_events: what happened to a task, in order, for `task show`; the journal is the proof."""

from dataclasses import dataclass

from agentctl.store import keys
from agentctl.store.codec import Codec
from agentctl.store.txn import Table, Txn

# Events whose detail quotes the task's agent: content, as a result is.
QUOTING = frozenset({"completed", "failed", "failed_retryable", "dead"})
EVENTS_PER_TASK_MAX = 1000  # attempts, holds and releases; progress is not an event


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHappening:
    """One event of a task's life, by the wall clock. `detail` is a few words for people."""

    at_s: float
    event: str
    detail: str = ""


_happenings = Codec(Table.TASK_EVENTS, TaskHappening)


def append(txn: Txn, task_id: str, at_s: float, event: str, detail: str = "") -> None:
    """Add an event; beyond EVENTS_PER_TASK_MAX the last one is replaced, so the newest always stands."""
    prefix = keys.text(task_id)
    newest = next(txn.scan(Table.TASK_EVENTS, prefix, reverse=True), None)
    place = 0 if newest is None else keys.number_of(newest[0][len(prefix) :]) + 1
    key = prefix + keys.number(min(place, EVENTS_PER_TASK_MAX - 1))
    happening = TaskHappening(at_s=at_s, event=event, detail=detail)
    txn.put(Table.TASK_EVENTS, key, _happenings.encode(happening))


def of(txn: Txn, task_id: str) -> list[TaskHappening]:
    """Return a task's events, oldest first."""
    found = txn.scan(Table.TASK_EVENTS, keys.text(task_id))
    return [_happenings.decode(key, value) for key, value in found]


def past(txn: Txn, task_id: str, known: int) -> list[tuple[int, TaskHappening]]:
    """Return what comes after the first `known` events, each with its number, counted from 1."""
    prefix = keys.text(task_id)
    after = prefix + keys.number(known - 1) if known else None
    return [
        (keys.number_of(key[len(prefix) :]) + 1, _happenings.decode(key, value))
        for key, value in txn.scan(Table.TASK_EVENTS, prefix, after)
    ]


def forget(txn: Txn, task_id: str) -> None:
    """Delete a task's events."""
    for key, _ in txn.scan(Table.TASK_EVENTS, keys.text(task_id)):
        txn.delete(Table.TASK_EVENTS, key)
