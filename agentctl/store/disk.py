"""The store on disk: LMDB with its default sync flags, opened by one process, one writer thread."""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import lmdb

from agentctl.errors import StateDamaged, StoreUnavailable, Unavailable
from agentctl.store import schema
from agentctl.store.backup import copy_to
from agentctl.store.contract import NOTHING, Figures, Pending, Store
from agentctl.store.group_commit import GroupCommit, unavailable
from agentctl.store.lmdb_txn import Handles, LmdbTxn
from agentctl.store.state_lock import StateLock
from agentctl.store.txn import Table, Txn
from agentctl.store.verify import DATA_FILE, faults

READERS_MAX = 1024  # snapshots open at a time; every listener's threads together are fewer
READER_BYTES = 64  # a slot of LMDB's table of readers: one cache line
READERS_FILE = "lock.mdb"
READERS_KEPT = 64  # reader slots kept for the next read instead of being taken anew

_log = logging.getLogger(__name__)

T = TypeVar("T")


def open_store(path: Path, *, map_bytes: int, sync: bool) -> Store:
    """Open, or make, the store in directory `path`, after a child process has checked its files.

    Raises Conflict when another process has it open, StateDamaged when its files
    are damaged or of a newer version, StoreUnavailable when they can't be made or written.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = StateLock(path)
        try:
            _refuse_damaged(path)
            return DiskStore(path, lock, map_bytes=map_bytes, sync=sync)
        except BaseException:
            lock.release()
            raise
    except (lmdb.Error, OSError) as cause:
        raise unavailable(cause) from cause


class DiskStore(Store):
    """See store.contract.Store. Made by `open_store`, which holds the lock it is given."""

    def __init__(self, path: Path, lock: StateLock, *, map_bytes: int, sync: bool) -> None:
        self._lock = lock
        self._closing = threading.Lock()
        self._closed = False
        self._stale_readers = 0
        self._env = _environment(path, map_bytes=map_bytes, sync=sync)
        try:
            self._handles = _open_tables(self._env)
        except BaseException:
            self._env.close()
            raise
        self._writer = GroupCommit(self._env, self._handles, failed=self._write_failed)

    def write_soon(self, work: Callable[[Txn], T]) -> Pending[T]:
        return self._writer.submit(work)

    def read(self) -> "_Snapshot":
        return _Snapshot(self._env, self._handles)

    @property
    def last_error(self) -> StoreUnavailable | None:
        return self._writer.last_error

    def figures(self) -> Figures:
        info = self._env.info()
        return Figures(
            commits=self._writer.commits,
            works=self._writer.works,
            waiting=self._writer.waiting,
            used_bytes=(info["last_pgno"] + 1) * self._env.stat()["psize"],
            held_bytes=self._held_bytes(),
            map_bytes=info["map_size"],
            stale_readers=self._stale_readers,
        )

    def _held_bytes(self) -> int:
        """Return the pages that records take: freed ones stay in the file and are used again."""
        with self._env.begin() as txn:
            stats = [txn.stat(db) for db in self._handles.values()]
        return sum(
            each["psize"] * (each["branch_pages"] + each["leaf_pages"] + each["overflow_pages"])
            for each in stats
        )

    def reader_check(self) -> int:
        freed = self._env.reader_check()
        self._stale_readers += freed
        return freed

    def backup(self, target: Path, beside: Mapping[str, bytes] = NOTHING) -> None:
        copy_to(self._env, target, beside)

    def close(self) -> None:
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._writer.close()
            self._env.close()
            self._lock.release()

    def _write_failed(self, error: StoreUnavailable) -> None:
        if self.on_write_failure is None:
            return
        try:
            self.on_write_failure(error)
        except Exception:  # noqa: BLE001 the writer goes on, whatever its listener does
            _log.exception("the hook for failed writes failed")


class _Snapshot:
    """One open read: several a request, and a generator's context costs twice this."""

    __slots__ = ("_env", "_handles", "_txn")

    def __init__(self, env: lmdb.Environment, handles: Handles) -> None:
        self._env = env
        self._handles = handles

    def __enter__(self) -> Txn:
        try:
            self._txn = self._env.begin()
        except lmdb.ReadersFullError as cause:
            raise Unavailable(f"{READERS_MAX} reads are open", retry_after_s=1.0) from cause
        except lmdb.Error as cause:
            raise StoreUnavailable(f"the store can't be read: {cause}") from cause
        return LmdbTxn(self._txn, self._handles)

    def __exit__(self, *_: object) -> None:
        self._txn.abort()


def _refuse_damaged(path: Path) -> None:
    found = faults(path)
    if found:
        raise StateDamaged(
            f"the store in {path} is damaged: {found[0]}",
            hint=f"restore a backup, or move {path / DATA_FILE} away to begin anew: docs/recovery.md",
        )


def _allocate_readers(path: Path) -> None:
    """Give LMDB's table of readers all its blocks; raises OSError when the disk is too full for them.

    The table is a mapped file with holes: on a full disk, touching a hole ends
    the process by SIGBUS.
    """
    file = os.open(path / READERS_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(file, 0, (READERS_MAX + 2) * READER_BYTES)  # its head takes two
    finally:
        os.close(file)


def _environment(path: Path, *, map_bytes: int, sync: bool) -> lmdb.Environment:
    _allocate_readers(path)
    return lmdb.open(
        str(path),
        map_size=map_bytes,
        max_dbs=len(Table),
        max_readers=READERS_MAX,
        max_spare_txns=READERS_KEPT,
        mode=0o600,
        sync=sync,
        lib_version=0,  # the 0.9 file format: the one that other tools and older agentctls read
    )


def _open_tables(env: lmdb.Environment) -> Handles:
    """Open every table and bring them to this version, in one transaction, or leave all as it was.

    It is done before any other transaction: opening a table beside one blocks for ever.
    """
    with env.begin(write=True) as txn:
        handles: dict[Table, lmdb._Database] = {
            Table.META: env.open_db(Table.META.encode(), txn=txn)
        }
        schema.refuse_newer(schema.recorded(LmdbTxn(txn, handles)))
        for table in Table:
            handles[table] = env.open_db(table.encode(), txn=txn)
        schema.bring_up(LmdbTxn(txn, handles))
    return handles
