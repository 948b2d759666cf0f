"""Tables are brought to this version step by step, each step once, or refused."""

import pytest

from agentctl.errors import StateDamaged
from agentctl.store import Txn, meta, schema
from tests.fakes.memory_store import MemoryStore


def steps(done: list[int]) -> dict[int, schema.Step]:
    def step(version: int) -> schema.Step:
        return lambda txn: done.append(version)

    return {version: step(version) for version in (1, 2)}


def test_new_tables_get_the_newest_version_and_no_migration() -> None:
    done: list[int] = []
    store = MemoryStore()
    store.write(lambda txn: schema.bring_up(txn, known=3, migrations=steps(done)))
    with store.read() as txn:
        assert schema.recorded(txn) == 3
    assert done == []


def test_old_tables_go_through_each_step_once() -> None:
    done: list[int] = []
    store = MemoryStore()
    store.write(lambda txn: schema.bring_up(txn, known=1))
    for _ in range(2):
        store.write(lambda txn: schema.bring_up(txn, known=3, migrations=steps(done)))
    assert done == [1, 2]


def test_a_failed_step_leaves_the_old_version() -> None:
    def fails(txn: Txn) -> None:
        meta.put(txn, "half", "done")
        raise StateDamaged("a record can't be migrated")

    store = MemoryStore()
    store.write(lambda txn: schema.bring_up(txn, known=1))
    with pytest.raises(StateDamaged):
        store.write(lambda txn: schema.bring_up(txn, known=2, migrations={1: fails}))
    with store.read() as txn:
        assert schema.recorded(txn) == 1
        assert meta.get(txn, "half") is None


def test_every_older_version_has_a_step() -> None:
    assert set(schema.MIGRATIONS) == set(range(1, schema.VERSION))
