"""What is damaged, foreign or in use is refused in clear words, and never half-opened."""

import subprocess
import sys
from pathlib import Path

import lmdb
import pytest

from agentctl.errors import Conflict, StateDamaged, StoreUnavailable
from agentctl.store import Store, Table, instances, journal, schema, tasks
from tests.fakes.store_records import BODY, entry, instance, task

DATA = "data.mdb"


def made(path: Path) -> Path:
    store = Store.open(path)
    store.write(lambda txn: tasks.add(txn, task("task-1"), BODY))
    store.write(lambda txn: instances.put(txn, instance("inst-1")))
    store.write(lambda txn: journal.append(txn, entry(), at_s=1.0))
    store.close()
    return path


def changed(path: Path, old: bytes, new: bytes) -> None:
    """Change every copy of `old` in the store's file: LMDB keeps older pages beside newer ones."""
    assert len(old) == len(new)
    data = (path / DATA).read_bytes()
    assert old in data
    (path / DATA).write_bytes(data.replace(old, new))


def raw(path: Path, table: Table, change: str, key: bytes, value: bytes = b"") -> None:
    """Write behind the store's back, as a misdirected or lost write would."""
    with lmdb.open(str(path), max_dbs=64, lib_version=0) as env:
        db = env.open_db(table.encode())
        with env.begin(write=True) as txn:
            if change == "put":
                txn.put(key, value, db=db)
            else:
                txn.delete(key, db=db)


def test_a_flipped_byte_of_a_record_is_found_when_it_is_read(tmp_path: Path) -> None:
    path = made(tmp_path / "s")
    changed(path, b'"sensitivity":"internal"', b'"sensitivity":"internam"')
    store = Store.open(path)
    try:
        with store.read() as txn, pytest.raises(StateDamaged) as found:
            tasks.get(txn, "task-1")
        assert "record 'task-1/' of table tasks is damaged: its checksum" in str(found.value)
        with store.read() as txn:  # the others are as good as before
            assert instances.get(txn, "inst-1") is not None
    finally:
        store.close()


def test_a_work_that_meets_a_damaged_record_fails_alone(tmp_path: Path) -> None:
    path = made(tmp_path / "s")
    changed(path, b'"sensitivity":"internal"', b'"sensitivity":"internam"')
    store = Store.open(path)
    try:
        with pytest.raises(StateDamaged):
            store.write(lambda txn: tasks.put(txn, task("task-1", priority=5)))
        assert store.last_error is None
        store.write(lambda txn: tasks.add(txn, task("task-2"), BODY))
    finally:
        store.close()


def test_a_record_under_another_key_or_in_another_table_is_damaged(tmp_path: Path) -> None:
    path = made(tmp_path / "s")
    with lmdb.open(str(path), max_dbs=64, lib_version=0) as env:
        db = env.open_db(Table.TASKS.encode())
        with env.begin() as txn:
            stored = bytes(txn.get(b"task-1\0", db=db) or b"")
    raw(path, Table.TASKS, "put", b"task-2\0", stored)
    raw(path, Table.DECISIONS, "put", b"task-1\0", stored)
    store = Store.open(path)
    try:
        with store.read() as txn:
            with pytest.raises(StateDamaged, match="task-2"):
                txn.get(Table.TASKS, b"task-2\0")
            with pytest.raises(StateDamaged, match="table decisions"):
                txn.get(Table.DECISIONS, b"task-1\0")
    finally:
        store.close()


def test_a_well_sealed_record_of_another_form_is_damaged(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s")
    try:
        store.write(lambda txn: txn.put(Table.TASKS, b"task-1\0", b'{"id": 7}'))
        with store.read() as txn, pytest.raises(StateDamaged, match="form this version writes"):
            tasks.get(txn, "task-1")
    finally:
        store.close()


def test_a_journal_line_lost_from_the_end_is_found(tmp_path: Path) -> None:
    path = made(tmp_path / "s")
    raw(path, Table.JOURNAL, "delete", (1).to_bytes(8))
    store = Store.open(path)
    try:
        with store.read() as txn:
            assert str(journal.verify(txn)) == "line 1: is missing: the journal went on to line 1"
    finally:
        store.close()


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused_before_it_is_opened(tmp_path: Path, keep: float) -> None:
    path = made(tmp_path / "s")
    data = (path / DATA).read_bytes()
    (path / DATA).write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(StateDamaged, match="is damaged"):
        Store.open(path)


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / DATA).write_bytes(b"not a database\n" * 1000)
    with pytest.raises(StateDamaged, match="restore a backup"):
        Store.open(tmp_path / "s")


def test_a_file_whose_making_was_cut_off_at_once_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / DATA).touch()
    made(tmp_path / "s")


def test_a_newer_schema_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = made(tmp_path / "s")
    store = Store.open(path)
    store.write(
        lambda txn: schema.bring_up(txn, known=7, migrations=dict.fromkeys(range(1, 7), print))
    )
    store.close()
    before = (path / DATA).read_bytes()
    with pytest.raises(StateDamaged) as refused:
        Store.open(path)
    assert str(refused.value) == (
        "the state was written by a newer agentctl (schema 7, this one knows 4); "
        "upgrade agentctl or restore a backup"
    )
    assert (path / DATA).read_bytes() == before


def test_a_second_hub_is_refused_in_the_same_process_and_in_another(tmp_path: Path) -> None:
    path = tmp_path / "s"
    store = Store.open(path)
    try:
        with pytest.raises(Conflict, match="another hub"):
            Store.open(path)
        program = (
            "import sys; from pathlib import Path; from agentctl.errors import Conflict\n"
            "from agentctl.store import Store\n"
            "try: Store.open(Path(sys.argv[1]))\n"
            "except Conflict as refused: print(refused)\n"
        )
        told = subprocess.check_output([sys.executable, "-c", program, str(path)], text=True)
        assert "another hub (pid " in told
        assert "stop it first" in told
    finally:
        store.close()
    made(path)  # a closed one frees the lock


def test_what_a_store_keeps_is_for_its_account_alone(tmp_path: Path) -> None:
    path = made(tmp_path / "s")
    assert oct(path.stat().st_mode & 0o777) == "0o700"
    assert {oct(each.stat().st_mode & 0o777) for each in path.iterdir()} == {"0o600"}


def test_a_directory_that_cannot_be_made_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="can't write: "):
        Store.open(tmp_path / "file" / "store")
