"""The test of the tests: a hub built wrongly must turn them red."""

import ctypes
import os
from pathlib import Path

import pytest

from agentctl.store import Store, meta
from tests.engine.faults import cycles

CACHESTAT = 451  # cachestat(2), Linux 6.5; the same number on every architecture


def test_an_acknowledgement_before_the_commit_is_seen() -> None:
    tally = cycles.run(8, breakage="early", failpoints="store.commit.before=kill@12")
    # which check sees it depends on the write that the kill took: a submit, or a result
    assert tally.wrong, tally


def test_a_hub_without_fences_is_seen() -> None:
    tally = cycles.run(3, breakage="unfenced")
    assert any("was taken" in each for each in tally.wrong), tally


def test_a_hub_that_forgets_idempotency_keys_is_seen() -> None:
    tally = cycles.run(3, breakage="keyless")
    assert any("acknowledged as" in each for each in tally.wrong), tally


@pytest.mark.parametrize(("sync", "unwritten"), [(True, False), (False, True)])
def test_what_is_acknowledged_is_on_the_disk_and_a_store_without_sync_is_seen(
    sync: bool, unwritten: bool, tmp_path: Path
) -> None:
    """A killed process loses nothing that the kernel holds; the kernel says what a power cut would take."""
    store = Store.open(tmp_path / "store", sync=sync)
    try:
        for number in range(5):
            store.write(lambda txn, number=number: meta.put(txn, "probe", str(number)))  # type: ignore[misc]
            assert (unwritten_pages(tmp_path / "store" / "data.mdb") > 0) is unwritten
    finally:
        store.close()


class _Range(ctypes.Structure):
    _fields_ = (("off", ctypes.c_uint64), ("len", ctypes.c_uint64))


class _Stat(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cache", "dirty", "writeback", "evicted", "recent")
    )


def unwritten_pages(path: Path) -> int:
    """Return how many pages of a file only the kernel's memory holds."""
    libc, found = ctypes.CDLL(None, use_errno=True), _Stat()
    whole = _Range(0, 0)  # a length of 0: to the end
    fd = os.open(path, os.O_RDONLY)
    try:
        if libc.syscall(CACHESTAT, fd, ctypes.byref(whole), ctypes.byref(found), 0) != 0:
            raise OSError(ctypes.get_errno(), "cachestat")
    finally:
        os.close(fd)
    return int(found.dirty + found.writeback)
