"""A look into a store that no hub has open: its own files are left as they are, whatever version wrote them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import lmdb

from agentctl.errors import Conflict, NotFound, StateDamaged, StoreUnavailable
from agentctl.store.lmdb_txn import LmdbTxn
from agentctl.store.state_lock import LOCK_FILE, StateLock
from agentctl.store.txn import Table, Txn
from agentctl.store.verify import DATA_FILE, faults

TABLES_MAX = 128  # of a newer version too


class _ReadTxn(LmdbTxn):
    """A table that the store's version didn't have is an empty one."""

    __slots__ = ()

    def get(self, table: Table, key: bytes) -> bytes | None:
        return super().get(table, key) if table in self._handles else None

    def scan(
        self,
        table: Table,
        prefix: bytes = b"",
        after: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        if table in self._handles:
            yield from super().scan(table, prefix, after, reverse)


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[Txn]:
    """Yield one snapshot of the store, or of the backup, in `directory`.

    Raises NotFound when there is none, Conflict while a hub has it open, StateDamaged when
    its file is damaged.
    """
    _require_one(directory)
    with kept_from_hubs(directory), held(directory) as txn:
        yield txn


@contextlib.contextmanager
def held(directory: Path) -> Iterator[Txn]:
    """Yield one snapshot as `opened` does, of a store whose lock the caller holds."""
    _require_one(directory)
    found = faults(directory, whole=True)
    if found:
        raise StateDamaged(f"the store in {directory} is damaged: {found[0]}", hint=WAY_OUT)
    with snapshot(directory) as txn:
        yield txn


def _require_one(directory: Path) -> None:
    if not (directory / DATA_FILE).is_file():
        raise NotFound(f"{directory} holds no store")


@contextlib.contextmanager
def kept_from_hubs(directory: Path) -> Iterator[None]:
    """Keep every hub from opening the store while the block runs. Raises Conflict while one has it.

    What a hub writes meanwhile looks like damage from outside.
    """
    lock = None
    try:
        if (directory / LOCK_FILE).exists():
            lock = StateLock(directory)
    except Conflict as why:
        hint = "stop it first, or look at a backup of it: `agentctl state backup DIR`"
        raise Conflict(why.detail, hint=hint) from why
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


@contextlib.contextmanager
def snapshot(directory: Path) -> Iterator[Txn]:
    """Yield one snapshot of a store whose file is sound, and that no hub can open meanwhile."""
    try:
        with _environment(directory) as env, env.begin() as txn:
            yield _ReadTxn(txn, _handles(env, txn))
    except lmdb.Error as cause:
        raise StoreUnavailable(f"the store in {directory} can't be read: {cause}") from cause


WAY_OUT = "restore a backup (agentctl state restore); docs/recovery.md says what else helps"


def _environment(directory: Path) -> lmdb.Environment:
    return lmdb.open(
        str(directory),
        readonly=True,
        lock=False,  # nobody writes: a hub would hold the state's own lock
        create=False,
        max_dbs=TABLES_MAX,
        lib_version=0,
    )


def _handles(env: lmdb.Environment, txn: lmdb.Transaction) -> dict[Table, "lmdb._Database"]:
    found = {}
    for table in Table:
        with contextlib.suppress(lmdb.NotFoundError):
            found[table] = env.open_db(table.encode(), txn=txn, create=False)
    return found
