"""MemoryStore: the store's double. Snapshots and rollback as on disk, durability as good as none."""

import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from agentctl.errors import StoreUnavailable
from agentctl.store import Store, Table, Txn
from agentctl.store.contract import NOTHING, Figures
from agentctl.store.keys import successor
from agentctl.store.txn import KEY_BYTES_MAX

T = TypeVar("T")


class _Rows:
    """One table: values by key, and the keys in order."""

    def __init__(self, values: dict[bytes, bytes], order: list[bytes]) -> None:
        self.values = values
        self.order = order

    def copy(self) -> "_Rows":
        return _Rows(dict(self.values), list(self.order))

    def put(self, key: bytes, value: bytes) -> None:
        if not 0 < len(key) <= KEY_BYTES_MAX:
            raise ValueError(f"a key of {len(key)} bytes")
        if key not in self.values:
            insort(self.order, key)
        self.values[key] = value

    def delete(self, key: bytes) -> bool:
        if self.values.pop(key, None) is None:
            return False
        del self.order[bisect_left(self.order, key)]
        return True


class MemoryTxn:
    """A snapshot of the tables; a writing one copies each table as it first changes it."""

    def __init__(self, tables: dict[Table, _Rows]) -> None:
        self.tables = dict(tables)
        self._own: set[Table] = set()
        self._ended = False

    def end(self) -> None:
        self._ended = True

    def get(self, table: Table, key: bytes) -> bytes | None:
        self._usable()
        return self.tables[table].values.get(key)

    def salvage(self, table: Table, key: bytes) -> bytes | None:
        return self.get(table, key)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        self._owned(table).put(key, value)

    def delete(self, table: Table, key: bytes) -> bool:
        return self._owned(table).delete(key)

    def scan(
        self,
        table: Table,
        prefix: bytes = b"",
        after: bytes | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[bytes, bytes]]:
        step = self._below if reverse else self._above
        key = step(table, prefix, after)
        while key is not None and key.startswith(prefix):
            yield key, self.tables[table].values[key]
            key = step(table, prefix, key)

    def _above(self, table: Table, prefix: bytes, after: bytes | None) -> bytes | None:
        self._usable()
        order = self.tables[table].order
        at = bisect_left(order, prefix if after is None else max(prefix, after + b"\0"))
        return order[at] if at < len(order) else None

    def _below(self, table: Table, prefix: bytes, after: bytes | None) -> bytes | None:
        self._usable()
        order = self.tables[table].order
        ends = [each for each in (successor(prefix), after) if each is not None]
        at = bisect_left(order, min(ends)) if ends else len(order)
        return order[at - 1] if at else None

    def _owned(self, table: Table) -> _Rows:
        self._usable()
        if table not in self._own:
            self.tables[table] = self.tables[table].copy()
            self._own.add(table)
        return self.tables[table]

    def _usable(self) -> None:
        if self._ended:
            raise RuntimeError("the transaction has ended")


class MemoryStore(Store):
    """A Store for unit tests. `fail_next_write()` makes the next commit fail as a full disk does."""

    def __init__(self) -> None:
        self._tables = {table: _Rows({}, []) for table in Table}
        self._writing = threading.Lock()
        self._last_error: StoreUnavailable | None = None
        self._to_fail: StoreUnavailable | None = None
        self._closed = False
        self._works = 0

    def fail_next_write(self, why: str = "the store can't write: disk full") -> None:
        self._to_fail = StoreUnavailable(why)

    def write_soon(self, work: Callable[[Txn], T]) -> "Future[T]":
        future: Future[T] = Future()
        try:
            future.set_result(self._write(work))
        except BaseException as error:  # noqa: BLE001 it belongs to the caller
            future.set_exception(error)
        return future

    @contextmanager
    def read(self) -> Iterator[Txn]:
        if self._closed:
            raise StoreUnavailable("the store is closed")
        txn = MemoryTxn(self._tables)
        try:
            yield txn
        finally:
            txn.end()

    @property
    def last_error(self) -> StoreUnavailable | None:
        return self._last_error

    def figures(self) -> Figures:
        return Figures(commits=self._works, works=self._works)

    def reader_check(self) -> int:
        return 0

    def backup(self, target: Path, beside: Mapping[str, bytes] = NOTHING) -> None:
        raise AssertionError(f"a test that backs up to {target} needs the store on disk")

    def close(self) -> None:
        self._closed = True

    def _write(self, work: Callable[[Txn], T]) -> T:
        with self._writing:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            txn = MemoryTxn(self._tables)
            try:
                answer = work(txn)
            finally:
                txn.end()
            self._commit(txn)
            return answer

    def _commit(self, txn: MemoryTxn) -> None:
        self._last_error, self._to_fail = self._to_fail, None
        if self._last_error is None:
            self._tables = txn.tables
            self._works += 1
            return
        if self.on_write_failure is not None:
            self.on_write_failure(self._last_error)
        raise self._last_error
