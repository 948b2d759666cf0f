"""A Txn over an LMDB transaction: every value sealed as it is written, verified as it is read."""

from collections.abc import Iterator, Mapping

import lmdb

from agentctl.store.codec import seal, unseal
from agentctl.store.keys import successor
from agentctl.store.txn import Table

Handles = Mapping[Table, "lmdb._Database"]  # opened once, with the environment


class LmdbTxn:
    """See store.txn.Txn. LMDB's own errors pass through: the store makes StoreUnavailable of them."""

    __slots__ = ("_handles", "_txn")

    def __init__(self, txn: lmdb.Transaction, handles: Handles) -> None:
        self._txn = txn
        self._handles = handles

    def get(self, table: Table, key: bytes) -> bytes | None:
        stored: bytes | None = self._txn.get(key, db=self._handles[table])  # type: ignore[assignment]
        return None if stored is None else unseal(table, key, stored)

    def salvage(self, table: Table, key: bytes) -> bytes | None:
        stored = self._txn.get(key, db=self._handles[table])
        return None if stored is None else bytes(stored)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        self._txn.put(key, seal(table, key, value), db=self._handles[table])

    def delete(self, table: Table, key: bytes) -> bool:
        return self._txn.delete(key, db=self._handles[table])

    def scan(
        self,
        table: Table,
        prefix: bytes = b"",
        after: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        bound = _first_bound(prefix, after, reverse)
        with self._txn.cursor(db=self._handles[table]) as cursor:
            while _before(cursor, bound) if reverse else cursor.set_range(bound or b""):
                key: bytes = cursor.key()  # type: ignore[assignment]  # not a buffer: none was asked for
                if not key.startswith(prefix):
                    return
                yield key, unseal(table, key, cursor.value())  # type: ignore[arg-type]
                bound = key if reverse else key + b"\0"


def _first_bound(prefix: bytes, after: bytes | None, reverse: bool) -> bytes | None:
    """Return where a scan starts: at or above it forwards, below it (None: the end) in reverse."""
    if not reverse:
        return prefix if after is None else max(prefix, after + b"\0")
    end = successor(prefix)
    if after is None:
        return end
    return after if end is None else min(end, after)


def _before(cursor: lmdb.Cursor, bound: bytes | None) -> bool:
    if bound is not None and cursor.set_range(bound):
        return cursor.prev()
    return cursor.last()
