"""A record that can't be trusted is put where it hinders nobody, its bytes kept; what can be derived is mended.

A task's record goes to table quarantine and the task out of the indexes; an index entry or a counter is
written anew from what it is derived from. What policy, the registry or the journal's head say can be
neither guessed nor left out: it stays, and the hub degrades.
Source: docs/decisions/0010-journal-and-state.md.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from agentctl.model.task import LIVE, TaskState
from agentctl.store import counters, keys, task_index, tasks
from agentctl.store.codec import Codec, RecordDamaged
from agentctl.store.txn import Table, Txn

INDEXES = frozenset(
    {
        Table.TASKS_BY_STATE,
        Table.TASKS_BY_AGENT,
        Table.TASKS_QUEUED,
        Table.TASKS_LIVE,
        Table.TASKS_DEADLINE,
        Table.TASKS_CHILDREN,
        Table.TASKS_DELEGATED,
        Table.INSTANCES_ALIVE,
    }
)
VITAL = frozenset(
    {Table.GENERATIONS, Table.INSTANCES, Table.META, Table.QUARANTINED_AGENTS, Table.WORKSPACES}
)
_LOADED = LIVE | {TaskState.QUEUED}


class Done(StrEnum):
    """What became of a damaged record."""

    QUARANTINED = "quarantined"
    MENDED = "mended"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A record in quarantine: `key` in hexadecimal, `stored` as it lay there with its seal, in base64."""

    table: Table
    key: str
    stored: str
    why: str
    at_s: float


_held = Codec(Table.QUARANTINE, Held)


def treat(txn: Txn, damage: RecordDamaged, *, at_s: float) -> Done:
    """Do for a damaged record what can be done. Harmless when it is sound, or was treated before."""
    table, key = damage.table, damage.key
    if _sound(txn, table, key):
        return Done.MENDED
    if table in INDEXES:
        txn.put(table, key, b"")  # an entry says all by its key
        return Done.MENDED
    if table is Table.COUNTERS:
        _recount(txn, key)
        return Done.MENDED
    if table is Table.TASKS:
        _put_aside(txn, table, key, why=damage.detail, at_s=at_s)
        _take_out(txn, keys.last_text(key))
        return Done.QUARANTINED
    return Done.LEFT


def holds(txn: Txn, table: Table, key: bytes) -> Held | None:
    """Return what is in quarantine of that record, or None."""
    place = _place(table, key)
    value = txn.get(Table.QUARANTINE, place)
    return None if value is None else _held.decode(place, value)


def all(txn: Txn) -> Iterator[Held]:  # noqa: A001 read as quarantine.all(txn)
    """Yield all that is in quarantine."""
    return (_held.decode(key, value) for key, value in txn.scan(Table.QUARANTINE))


def _sound(txn: Txn, table: Table, key: bytes) -> bool:
    """Whether the record is gone, or a task's that can be read after all."""
    try:
        if table is Table.TASKS:
            tasks.get(txn, keys.last_text(key))
            return True
        return txn.get(table, key) is None
    except RecordDamaged:
        return False


def _put_aside(txn: Txn, table: Table, key: bytes, *, why: str, at_s: float) -> None:
    stored = txn.salvage(table, key) or b""
    record = Held(
        table=table,
        key=key.hex(),
        stored=base64.b64encode(stored).decode(),
        why=why,
        at_s=at_s,
    )
    txn.put(Table.QUARANTINE, _place(table, key), _held.encode(record))
    txn.delete(table, key)


def _take_out(txn: Txn, task_id: str) -> None:
    """Take a task whose record can't be read out of the indexes, by its id, which ends each entry."""
    end = keys.text(task_id)
    for table in sorted(INDEXES - {Table.INSTANCES_ALIVE}):
        for key, _ in txn.scan(table):
            if key.endswith(end):  # no id is the end of another: all are of one form
                txn.delete(table, key)
    _count_all(txn)


def _count_all(txn: Txn) -> None:
    for kind in (task_index.COUNT_BY_STATE, task_index.COUNT_LOAD):
        for name, _ in list(counters.under(txn, kind)):
            _recount(txn, keys.text(kind, name))


def _recount(txn: Txn, counter: bytes) -> None:
    """Write a counter anew from the index that says the same."""
    kind, name = (each.decode() for each in counter[:-1].split(b"\0"))
    if kind == task_index.COUNT_BY_STATE:
        number = sum(1 for _ in txn.scan(Table.TASKS_BY_STATE, keys.text(name)))
    else:
        number = sum(
            1 for each in _LOADED for _ in txn.scan(Table.TASKS_BY_AGENT, keys.text(name, each))
        )
    txn.delete(Table.COUNTERS, counter)
    counters.add(txn, (kind, name), number)


def _place(table: Table, key: bytes) -> bytes:
    return keys.text(table, key.hex())
