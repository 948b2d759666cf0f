"""A damaged record is put aside with its bytes, or mended from what it is derived from; the rest goes on."""

import base64
from pathlib import Path

import pytest

from agentctl.model.task import TaskState
from agentctl.store import Store, Table, counters, inspection, keys, quarantine, tasks
from agentctl.store.codec import RecordDamaged
from agentctl.store.quarantine import Done
from tests.fakes.store_records import BODY, lease_of, task


def made(path: Path) -> Path:
    store = Store.open(path)
    for each in (
        task("task-1", deadline_s=5.0),
        task("task-2"),
        task("task-3", state=TaskState.RUNNING, lease=lease_of("inst-1")),
    ):
        store.write(lambda txn, each=each: tasks.add(txn, each, BODY))  # type: ignore[misc]
    store.close()
    return path


def flip(path: Path, old: bytes, new: bytes) -> None:
    data = path / "data.mdb"
    content = data.read_bytes()
    assert old in content
    data.write_bytes(content.replace(old, new))


def damage_in(store: Store, task_id: str) -> RecordDamaged:
    with store.read() as txn, pytest.raises(RecordDamaged) as found:
        tasks.get(txn, task_id)
    return found.value


@pytest.mark.parametrize("task_id", ["task-1", "task-2", "task-3"])
def test_a_task_that_cannot_be_read_leaves_the_indexes_and_keeps_its_bytes(
    tmp_path: Path, task_id: str
) -> None:
    path = made(tmp_path / "store")
    flip(path, f'"id":"{task_id}"'.encode(), f'"ib":"{task_id}"'.encode())
    store = Store.open(path)
    damage = damage_in(store, task_id)
    for _ in range(2):  # whoever meets it next reports it too
        store.write(lambda txn: quarantine.treat(txn, damage, at_s=7.0))
    with store.read() as txn:
        assert tasks.get(txn, task_id) is None
        kept = [each.id for each in tasks.page(txn)[0]]
        assert kept == [each for each in ("task-3", "task-2", "task-1") if each != task_id]
        held = quarantine.holds(txn, Table.TASKS, keys.text(task_id))
        assert held is not None
        assert f'"ib":"{task_id}"'.encode() in base64.b64decode(held.stored)
        [told] = inspection.faults(txn)  # indexes and counters are sound
        assert told.startswith(f"in quarantine since 7: record '{task_id}/' of table tasks")
    store.close()


def test_a_sound_task_is_not_put_aside_by_an_old_report(tmp_path: Path) -> None:
    store = Store.open(made(tmp_path / "store"))
    old = RecordDamaged(Table.TASKS, keys.text("task-1"), "its checksum doesn't match")
    assert store.write(lambda txn: quarantine.treat(txn, old, at_s=7.0)) is Done.MENDED
    with store.read() as txn:
        assert tasks.get(txn, "task-1") is not None
    store.close()


def test_what_is_derived_is_mended(tmp_path: Path) -> None:
    path = made(tmp_path / "store")
    store = Store.open(path)
    queued = keys.text("tasks_by_state", "queued")
    entry = keys.text("queued", "task-2")
    store.write(lambda txn: txn.put(Table.COUNTERS, queued, b"7"))
    for table, key in ((Table.COUNTERS, queued), (Table.TASKS_BY_STATE, entry)):
        damage = RecordDamaged(table, key, "its checksum doesn't match")
        done = store.write(lambda txn, it=damage: quarantine.treat(txn, it, at_s=7.0))  # type: ignore[misc]
        assert done is Done.MENDED
    with store.read() as txn:
        assert counters.get(txn, ("tasks_by_state", "queued")) == 2
        assert inspection.faults(txn) == []
    store.close()
