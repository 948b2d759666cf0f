"""A state directory whose disk fills: no acknowledgement without a commit, and recovery with room."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.errors import StoreUnavailable
from agentctl.store import Store, journal, tasks
from tests.fakes.store_records import BODY, entry, task

ROUNDS = 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB of its own; needs root."""
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)], check=True)
    yield mount
    subprocess.run(["umount", str(mount)], check=True)


def submit(store: Store, task_id: str) -> None:
    def work(txn: object) -> None:
        tasks.add(txn, task(task_id), BODY)  # type: ignore[arg-type]
        journal.append(txn, entry(subject=task_id), at_s=1.0)  # type: ignore[arg-type]

    store.write(work)


def submit_until_refused(store: Store, name: str) -> list[str]:
    acknowledged: list[str] = []
    with contextlib.suppress(StoreUnavailable):
        while len(acknowledged) < 10_000:
            task_id = f"task-{name}-{len(acknowledged):06d}"
            submit(store, task_id)
            acknowledged.append(task_id)
    return acknowledged


@pytest.mark.engine
def test_a_full_disk_refuses_writes_and_goes_on_when_there_is_room(small_disk: Path) -> None:
    store = Store.open(small_disk / "store")
    acknowledged: list[str] = []
    for turn in range(ROUNDS):
        ballast = small_disk / "ballast"
        if not ballast.exists():
            with contextlib.suppress(OSError):  # the disk may be too full for all of it
                ballast.write_bytes(bytes(512 * 1024))
        acknowledged += submit_until_refused(store, f"full-{turn}")
        assert isinstance(store.last_error, StoreUnavailable)
        with store.read() as txn:  # reading goes on
            assert tasks.counts(txn)["queued"] == len(acknowledged)
        ballast.unlink()
        acknowledged += [f"task-room-{turn}"]
        submit(store, acknowledged[-1])
        assert store.last_error is None
    store.close()
    again = Store.open(small_disk / "store")
    with again.read() as txn:
        assert all(tasks.get(txn, each) for each in acknowledged)
        assert tasks.counts(txn)["queued"] == len(acknowledged)
        assert journal.verify(txn) is None
    again.close()


@pytest.mark.engine
def test_a_disk_that_is_full_from_the_start_is_told_as_such(small_disk: Path) -> None:
    with contextlib.suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    with pytest.raises(StoreUnavailable, match="make room"):
        Store.open(small_disk / "store")
