"""The whole check finds each kind of lie in a store, and nothing in a sound one."""

from collections.abc import Callable
from pathlib import Path

import pytest

from agentctl.cli import COMMANDS, run
from agentctl.errors import Conflict, NotFound
from agentctl.model.task import TaskState
from agentctl.store import (
    Store,
    Table,
    Txn,
    answers,
    counters,
    generations,
    idempotency,
    inspection,
    instances,
    journal,
    keys,
    task_events,
    tasks,
)
from agentctl.store.checks import wrong_in
from tests.fakes.store_records import BODY, entry, generation, instance, lease_of, task


def lived_in(store: Store) -> Store:
    """Give a store a little of everything."""

    def work(txn: Txn) -> None:
        tasks.add(txn, task("task-1", priority=-3), BODY)
        tasks.add(txn, task("task-2", state=TaskState.RUNNING, lease=lease_of("inst-1")), BODY)
        tasks.put(txn, task("task-2", state=TaskState.COMPLETED))
        task_events.append(txn, "task-1", 1.0, "submitted")
        instances.put(txn, instance("inst-1"))
        generations.add(txn, generation(1))
        idempotency.remember(txn, "w" * 300, "k", "task-1", "d")
        answers.remember(txn, "inst-1", "m", "d", {})
        for _ in range(4):
            journal.append(txn, entry(), at_s=1.0)
        journal.retire(txn, through=2)

    store.write(work)
    return store


def test_a_sound_store_has_no_faults(store: Store) -> None:
    with lived_in(store).read() as txn:
        assert inspection.faults(txn) == []


LIES: dict[str, tuple[Callable[[Txn], object], str]] = {
    "a lost queue entry": (
        lambda txn: txn.delete(Table.TASKS_QUEUED, next(txn.scan(Table.TASKS_QUEUED))[0]),
        "table tasks_queued lacks",
    ),
    "an index entry of no task": (
        lambda txn: txn.put(Table.TASKS_LIVE, keys.text("inst-1", "task-2"), b""),
        "table tasks_live has b'inst-1\\x00task-2\\x00', which is no task's",
    ),
    "a wrong counter": (
        lambda txn: counters.add(txn, ("tasks_by_state", "queued"), 5),
        "counter tasks_by_state 'queued' says 6, not 1",
    ),
    "a counter of nothing": (
        lambda txn: counters.add(txn, ("tasks_load", "nobody"), 1),
        "counter tasks_load 'nobody' says 1, not 0",
    ),
    "a lost journal line": (
        lambda txn: txn.delete(Table.JOURNAL, keys.number(4)),
        "the journal is broken at line 4: is missing",
    ),
    "a record of another form": (
        lambda txn: txn.put(Table.INSTANCES, keys.text("inst-9"), b"[]"),
        "record 'inst-9/' of table instances is damaged",
    ),
    "a lost generation": (
        lambda txn: txn.delete(Table.GENERATIONS, keys.number(1)),
        "table generations is damaged: it is missing",
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found(store: Store, lie: str) -> None:
    tell, told = LIES[lie]
    lived_in(store).write(tell)
    generations._decoded.clear()  # as a new process would find it
    with store.read() as txn:
        [found] = inspection.faults(txn)
    assert told in found


def test_every_damaged_record_is_found_not_the_first_alone(store: Store) -> None:
    lived_in(store)
    for number in (5, 6, 7):
        store.write(lambda txn, n=number: txn.put(Table.DECISIONS, keys.text(f"dec-{n}"), b"?"))  # type: ignore[misc]
    with store.read() as txn:
        assert [each.split("'")[1] for each in inspection.faults(txn)] == [
            "dec-5/",
            "dec-6/",
            "dec-7/",
        ]


def test_a_store_in_use_is_not_checked_and_none_is_none(disk: Store, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="another hub"):
        wrong_in(tmp_path / "store")
    with pytest.raises(NotFound):
        wrong_in(tmp_path)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(COMMANDS, "state", ("state", "state", ""))
    store = lived_in(Store.open(tmp_path / "store"))
    store.backup(tmp_path / "backup")
    store.close()
    return tmp_path


def test_the_command_checks_and_restores(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--state", str(state), "state", "verify"]) == 0
    data = state / "store" / "data.mdb"
    data.write_bytes(
        data.read_bytes().replace(b'"sensitivity":"internal"', b'"sensitivity":"public!!"')
    )
    assert run(["--state", str(state), "state", "verify"]) == 6
    told = capsys.readouterr()
    assert "record 'task-1/' of table tasks is damaged" in told.out
    assert "restore a backup: `agentctl state restore`" in told.err
    assert run(["--state", str(state), "state", "restore", str(state / "backup"), "--yes"]) == 0
    assert run(["--state", str(state), "state", "verify"]) == 0
    assert run(["state", "verify", str(state / "backup")]) == 0
