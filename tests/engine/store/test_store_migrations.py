"""A store that an earlier release wrote is brought to this version, once, with all that it held."""

from pathlib import Path

import pytest

from agentctl.errors import StateDamaged
from agentctl.store import (
    Store,
    generations,
    idempotency,
    inspection,
    instances,
    journal,
    operator_tokens,
    schema,
    tasks,
    workspaces,
)
from tests.engine.store import old_stores
from tests.fakes.store_records import BODY

WHO = "operator:uid:1000"


def test_a_store_of_schema_1_opens_with_all_that_it_held(tmp_path: Path) -> None:
    path = old_stores.make("schema_1", tmp_path / "store")
    assert "idempotency_by_task" not in old_stores.dump(path)
    store = Store.open(path)
    try:
        with store.read() as txn:
            assert schema.recorded(txn) == schema.VERSION
            assert inspection.faults(txn) == []
            assert tasks.counts(txn)["queued"] == 2
            assert tasks.counts(txn)["completed"] == 1
            assert tasks.body(txn, "task-1") == BODY
            assert [each.id for each in instances.alive(txn)] == ["inst-1"]
            [kept] = workspaces.all(txn)
            [born] = instances.all(txn)
            assert kept.place == f"{born.host}/{born.agent}/{born.replica}"
            assert (kept.served, kept.pairs) == ((born.label,), ((born.label, born.boundary),))
            assert generations.latest_number(txn) == 1
            assert [each.name for each in operator_tokens.all(txn)] == ["deploy"]
            assert journal.head(txn).seq == 3
            assert journal.verify(txn) is None
    finally:
        store.close()


def test_schema_2_lets_a_key_of_schema_1_go_with_its_task(tmp_path: Path) -> None:
    path = old_stores.make("schema_1", tmp_path / "store")
    for _ in range(2):  # the second opening finds it done
        store = Store.open(path)
        with store.read() as txn:
            assert idempotency.first(txn, WHO, "key-2") == ("task-2", "digest-2")
        store.close()
    store = Store.open(path)
    assert store.write(lambda txn: idempotency.forget(txn, "task-2"))
    with store.read() as txn:
        assert idempotency.first(txn, WHO, "key-2") is None
        assert idempotency.first(txn, WHO, "key-1") == ("task-1", "digest-1")
    store.close()


def test_a_step_that_meets_a_damaged_record_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    path = old_stores.make("schema_1", tmp_path / "store")
    data = path / "data.mdb"
    data.write_bytes(
        data.read_bytes().replace(b'"request_digest":"digest-3"', b'"request_digest":"digest-4"')
    )
    with pytest.raises(StateDamaged, match="of table idempotency is damaged"):
        Store.open(path)
    assert "idempotency_by_task" not in old_stores.dump(path)
