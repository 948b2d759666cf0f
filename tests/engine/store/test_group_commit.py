"""What the writing thread promises when queues fill, commits fail and works misbehave."""

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentctl.errors import Conflict, StoreUnavailable, Unavailable
from agentctl.store import Store, Table, Txn, group_commit
from agentctl.store import meta as table

BIG = b"x" * 100_000


def fill(txn: Txn) -> None:
    for each in range(20):
        txn.put(Table.META, b"big%d" % each, BIG)


@contextmanager
def no_file_grows() -> Iterator[None]:
    """Let no file of this process grow beyond 64 KiB: every write past it fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_waiting_works_share_commits(disk: Store) -> None:
    go = threading.Event()
    before = disk.figures().commits
    first = disk.write_soon(lambda txn: go.wait(30))
    rest = [disk.write_soon(lambda txn: table.put(txn, "k", "v")) for _ in range(100)]
    go.set()
    assert first.result(timeout=30)
    for each in rest:
        each.result(timeout=30)
    assert disk.figures().commits - before <= 2
    assert disk.figures().waiting == 0


def test_a_queue_that_is_full_says_so_and_serves_what_it_took(
    disk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "WAITING_MAX", 3)
    runs, go = threading.Event(), threading.Event()

    def slow(txn: Txn) -> None:
        runs.set()
        go.wait(30)

    first = disk.write_soon(slow)
    assert runs.wait(30)
    taken = [disk.write_soon(lambda txn: None) for _ in range(3)]
    with pytest.raises(Unavailable, match="3 writes behind") as refused:
        disk.write(lambda txn: None)
    assert refused.value.retry_after_s == 1.0
    go.set()
    for each in [first, *taken]:
        each.result(timeout=30)
    disk.write(lambda txn: None)


def test_a_failed_commit_fails_all_that_shared_it_and_keeps_nothing(disk: Store) -> None:
    disk.write(lambda txn: table.put(txn, "before", "1"))
    go = threading.Event()

    def conflicts(txn: Txn) -> None:
        go.wait(30)
        raise Conflict("seen in the light of siblings that are now undone")

    with no_file_grows():
        first = disk.write_soon(lambda txn: go.wait(30))
        group = [disk.write_soon(each) for each in (fill, lambda txn: 1, conflicts)]
        go.set()
        first.exception(timeout=30)
        outcomes = [each.exception(timeout=30) for each in group]
    assert [type(each) for each in outcomes] == [StoreUnavailable] * 3
    with disk.read() as txn:
        assert list(txn.scan(Table.META, b"big")) == []
        assert table.get(txn, "before") == "1"


def test_a_failed_commit_is_told_and_over_with_the_next_that_goes_through(disk: Store) -> None:
    told: list[StoreUnavailable] = []
    disk.on_write_failure = told.append
    with no_file_grows(), pytest.raises(StoreUnavailable, match="can't write") as failed:
        disk.write(fill)
    assert failed.value.__cause__ is not None
    assert len(told) == 1
    assert isinstance(disk.last_error, StoreUnavailable)
    disk.write(fill)
    assert disk.last_error is None
    assert len(told) == 1


def test_a_full_map_fails_the_work_that_fills_it_and_counts_as_a_failed_write(
    tmp_path: Path,
) -> None:
    store = Store.open(tmp_path / "small", map_bytes=1 << 20)
    try:
        with pytest.raises(StoreUnavailable, match="is full"):
            store.write(fill)
        assert isinstance(store.last_error, StoreUnavailable)
        store.write(lambda txn: table.put(txn, "k", "v"))
        assert store.last_error is None
    finally:
        store.close()


def test_a_hook_that_fails_stops_nobody(disk: Store) -> None:
    def fails(error: StoreUnavailable) -> None:
        raise RuntimeError("the listener is broken")

    disk.on_write_failure = fails
    with no_file_grows(), pytest.raises(StoreUnavailable):
        disk.write(fill)
    disk.write(lambda txn: table.put(txn, "k", "v"))


def test_a_work_that_ends_its_thread_ends_only_itself(disk: Store) -> None:
    def leave(txn: Txn) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        disk.write(leave)
    assert disk.write(lambda txn: 1) == 1


def test_a_work_that_writes_through_the_store_is_told_instead_of_waiting_for_itself(
    disk: Store,
) -> None:
    with pytest.raises(RuntimeError, match="another transaction"):
        disk.write(lambda txn: disk.write(lambda inner: None))
    assert disk.write(lambda txn: 1) == 1


def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s")
    pending = [store.write_soon(lambda txn, n=n: table.put(txn, f"k{n}", "v")) for n in range(500)]  # type: ignore[misc]
    store.close()
    assert [each.exception(timeout=0) for each in pending] == [None] * 500
    again = Store.open(tmp_path / "s")
    with again.read() as txn:
        assert all(table.get(txn, f"k{n}") == "v" for n in range(500))
    again.close()
