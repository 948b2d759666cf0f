"""A backup is one consistent moment of a store in use; a restore puts it back whole or not at all."""

import threading
from pathlib import Path

import pytest

from agentctl.errors import Conflict, StateDamaged
from agentctl.store import Store, journal, tasks
from agentctl.store.backup import restore
from tests.fakes.store_records import BODY, entry, task


def submit(store: Store, task_id: str) -> None:
    def work(txn: object) -> None:
        tasks.add(txn, task(task_id), BODY)  # type: ignore[arg-type]
        journal.append(txn, entry(subject=task_id), at_s=1.0)  # type: ignore[arg-type]

    store.write(work)


def contents(path: Path) -> list[str]:
    store = Store.open(path)
    try:
        with store.read() as txn:
            assert journal.verify(txn) is None
            assert len(journal.read(txn)) == tasks.counts(txn)["queued"]
            return [each.id for each in reversed(tasks.page(txn, limit=1000)[0])]
    finally:
        store.close()


def test_a_backup_made_under_load_is_consistent(disk: Store, tmp_path: Path) -> None:
    submit(disk, "task-000")
    stop = threading.Event()

    def load() -> None:
        for number in range(1, 900):
            if stop.is_set():
                return
            submit(disk, f"task-{number:03d}")

    writer = threading.Thread(target=load)
    writer.start()
    disk.backup(tmp_path / "backup")
    stop.set()
    writer.join()
    kept = contents(tmp_path / "backup")
    assert kept == [f"task-{number:03d}" for number in range(len(kept))]
    assert kept


def test_a_backup_never_overwrites(disk: Store, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(Conflict, match="exists already"):
        disk.backup(tmp_path / "taken")


def test_a_backup_is_for_its_account_alone(disk: Store, tmp_path: Path) -> None:
    disk.backup(tmp_path / "b")
    assert oct((tmp_path / "b").stat().st_mode & 0o777) == "0o700"
    assert oct((tmp_path / "b" / "data.mdb").stat().st_mode & 0o777) == "0o600"
    assert not (tmp_path / "b.partial").exists()


def test_a_restore_puts_the_backup_in_place_and_keeps_what_was_there(tmp_path: Path) -> None:
    state = tmp_path / "store"
    store = Store.open(state)
    submit(store, "task-1")
    store.backup(tmp_path / "backup")
    submit(store, "task-2")
    store.close()
    restore(tmp_path / "backup", state, aside=tmp_path / "aside")
    assert contents(state) == ["task-1"]
    assert contents(tmp_path / "aside") == ["task-1", "task-2"]


def test_a_restore_under_a_running_hub_is_refused(disk: Store, tmp_path: Path) -> None:
    submit(disk, "task-1")
    disk.backup(tmp_path / "backup")
    with pytest.raises(Conflict, match="another hub"):
        restore(tmp_path / "backup", tmp_path / "store", aside=tmp_path / "aside")


def test_a_damaged_backup_is_not_restored(tmp_path: Path) -> None:
    state = tmp_path / "store"
    store = Store.open(state)
    submit(store, "task-1")
    store.backup(tmp_path / "backup")
    store.close()
    data = tmp_path / "backup" / "data.mdb"
    data.write_bytes(data.read_bytes()[:-4096])
    with pytest.raises(StateDamaged, match="cut off"):
        restore(tmp_path / "backup", state, aside=tmp_path / "aside")
    with pytest.raises(StateDamaged, match="holds no backup"):
        restore(tmp_path / "nothing", state, aside=tmp_path / "aside")
    assert contents(state) == ["task-1"]
