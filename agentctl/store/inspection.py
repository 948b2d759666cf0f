"""Checks all that the tables say: every record, every index against its records, the journal's chain."""

from collections import Counter
from collections.abc import Callable, Iterator

from agentctl.model.task import Task
from agentctl.store import (
    checkpoints,
    counters,
    decisions,
    generations,
    idempotency,
    instances,
    journal,
    keys,
    operator_tokens,
    quarantine,
    quarantined_agents,
    task_events,
    task_index,
    tasks,
    workspaces,
)
from agentctl.store.codec import RecordDamaged
from agentctl.store.txn import Table, Txn

FAULTS_MAX = 100  # a store with more is restored, not repaired

_INDEXES = (
    Table.TASKS_BY_STATE,
    Table.TASKS_BY_AGENT,
    Table.TASKS_QUEUED,
    Table.TASKS_LIVE,
    Table.TASKS_DEADLINE,
    Table.TASKS_CHILDREN,
    Table.TASKS_DELEGATED,
)


def faults(txn: Txn, *, indexes: bool = True) -> list[str]:
    """Return what is wrong, at most FAULTS_MAX findings; [] when every record can be trusted.

    Reads the whole store: some 50,000 records a second. `indexes` is False for tables of an
    older version, which has other ones.
    """
    found = list(_damaged_records(txn))
    if not found:  # an index can be compared only with records that can be read
        found += [*_journal(txn), *_in_quarantine(txn)]
        if indexes:
            found += [*_indexes_that_lie(txn), *_counters_that_lie(txn), *_keys_that_lie(txn)]
    return found[:FAULTS_MAX]


def _damaged_records(txn: Txn) -> Iterator[str]:
    for table in Table:
        after: bytes | None = None
        while found := _first_damaged(txn, table, after):
            after, fault = found
            yield fault


def _first_damaged(txn: Txn, table: Table, after: bytes | None) -> tuple[bytes, str] | None:
    """Return the first key behind `after` whose record can't be used, and why; None when all can.

    A record can be of no use because of another that it names, which may stand anywhere.
    """
    read = _READERS.get(table)
    at = after or b""
    try:
        for key, _ in txn.scan(table, after=after):
            at = key
            if read:
                read(txn, key)
    except RecordDamaged as error:
        return max(at, error.key), error.detail
    return None


def _all_tasks(txn: Txn) -> Iterator[Task]:
    for key, _ in txn.scan(Table.TASKS):
        task = tasks.get(txn, keys.last_text(key))
        assert task is not None
        yield task


def _indexes_that_lie(txn: Txn) -> Iterator[str]:
    wanted = {entry for task in _all_tasks(txn) for entry in task_index.place(task).entries}
    there = {(table, key) for table in _INDEXES for key, _ in txn.scan(table)}
    for table, key in sorted(wanted - there):
        yield f"table {table} lacks {key!r}"
    for table, key in sorted(there - wanted):
        yield f"table {table} has {key!r}, which is no task's"


def _counters_that_lie(txn: Txn) -> Iterator[str]:
    wanted = Counter(name for task in _all_tasks(txn) for name in task_index.place(task).counted)
    for kind in (task_index.COUNT_BY_STATE, task_index.COUNT_LOAD):
        there = dict(counters.under(txn, kind))
        named = {last for (first, last) in wanted if first == kind}
        for last in sorted(named | set(there)):
            if there.get(last, 0) != wanted[kind, last]:
                yield f"counter {kind} {last!r} says {there.get(last, 0)}, not {wanted[kind, last]}"


def _keys_that_lie(txn: Txn) -> Iterator[str]:
    made = {keys.text(idempotency.made(txn, key)) for key, _ in txn.scan(Table.IDEMPOTENCY)}
    there = {key for key, _ in txn.scan(Table.IDEMPOTENCY_BY_TASK)}
    for key in sorted(made ^ there):
        yield f"tables idempotency and idempotency_by_task differ over {key!r}"


def _in_quarantine(txn: Txn) -> Iterator[str]:
    for each in quarantine.all(txn):
        yield f"in quarantine since {each.at_s:.0f}: {each.why}"


def _journal(txn: Txn) -> Iterator[str]:
    broken = journal.verify(txn)
    if broken:
        yield f"the journal is broken at {broken}"


def _text(read: Callable[[Txn, str], object]) -> Callable[[Txn, bytes], object]:
    return lambda txn, key: read(txn, keys.last_text(key))


def _generation(txn: Txn, key: bytes) -> object:
    numbered = len(key) == keys.NUMBER_BYTES  # the other one is the head
    return generations.get(txn, keys.number_of(key)) if numbered else generations.latest(txn)


def _line(txn: Txn, key: bytes) -> object:
    return journal.read(txn, keys.number_of(key) - 1, 1)


def _happening(txn: Txn, key: bytes) -> object:
    return task_events.of(txn, keys.last_text(key[: -keys.NUMBER_BYTES]))


_READERS: dict[Table, Callable[[Txn, bytes], object]] = {
    Table.TASKS: _text(tasks.get),
    Table.TASK_BODIES: _text(tasks.body),
    Table.TASK_EVENTS: _happening,
    Table.IDEMPOTENCY: idempotency.made,
    Table.CHECKPOINTS: lambda txn, key: checkpoints.read(txn, keys.number_of(key) - 1, 1),
    Table.INSTANCES: _text(instances.get),
    Table.GENERATIONS: _generation,
    Table.JOURNAL: _line,
    Table.DECISIONS: _text(decisions.get),
    Table.OPERATOR_TOKENS: _text(operator_tokens.get),
    Table.QUARANTINED_AGENTS: _text(quarantined_agents.get),
    Table.WORKSPACES: lambda txn, key: workspaces.of(txn, key.split(b"\0")[0].decode()),
}
