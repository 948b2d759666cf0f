"""What every use case needs of a store; on disk it is LMDB, in tests it may be memory."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, TypeVar

from agentctl.errors import StoreUnavailable
from agentctl.store.txn import Txn

MAP_BYTES = (
    64 << 30
)  # one fixed, sparse map: growing it under other readers fails (LMDB: MDB_MAP_RESIZED)

NOTHING: Mapping[str, bytes] = MappingProxyType({})

T = TypeVar("T")
Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the store has done since it was opened, for metrics; sizes in bytes.

    `used_bytes` is what its file has grown to, `held_bytes` what records take of it now.
    """

    commits: int = 0
    works: int = 0
    waiting: int = 0
    used_bytes: int = 0
    held_bytes: int = 0
    map_bytes: int = 0
    stale_readers: int = 0


class Pending(Protocol[Result]):
    """A write that was queued."""

    def result(self, timeout: float | None = None) -> Result:
        """Wait until it is durable; return the work's answer or raise what it, or the commit, raised.

        Raises TimeoutError after `timeout` seconds.
        """
        ...

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait as `result` does; return what it would raise of the work or the commit, else None."""
        ...


class Store(ABC):
    """Transactions over all tables. Methods may be called from any thread.

    No transaction spans network, engine or policy I/O: a work reads and writes
    tables, nothing else, and every other writer waits for it.
    """

    # Called once per failed commit, from the writing thread; it must not call write().
    on_write_failure: Callable[[StoreUnavailable], None] | None = None

    @staticmethod
    def open(path: Path, *, map_bytes: int = MAP_BYTES, sync: bool = True) -> "Store":
        """Open, or make, the store in directory `path`; see store.disk.open_store for what it raises.

        `sync=False` acknowledges before the disk has it: for tests and benchmarks alone.
        """
        from agentctl.store.disk import (
            open_store,
        )  # LMDB is loaded by the hub, not by each importer

        return open_store(path, map_bytes=map_bytes, sync=sync)

    def write(self, work: Callable[[Txn], T]) -> T:
        """Run `work` in a write transaction; return its answer once it is durable.

        An exception of `work` undoes all it wrote, leaves other writers' works
        intact, and is raised here. Raises StoreUnavailable when the commit
        fails (nothing of it was kept) or the store is closed, Unavailable when
        too many works wait.
        """
        return self.write_soon(work).result()

    @abstractmethod
    def write_soon(self, work: Callable[[Txn], T]) -> Pending[T]:
        """Queue `work` as `write` does, and wait for it later."""

    @abstractmethod
    def read(self) -> AbstractContextManager[Txn]:
        """Open a snapshot for reading. Keep it short: while it lives, freed space isn't used again."""

    @property
    @abstractmethod
    def last_error(self) -> StoreUnavailable | None:
        """Why the newest commit failed; None when it went through."""

    @abstractmethod
    def figures(self) -> Figures:
        """Return counts and sizes for metrics."""

    @abstractmethod
    def reader_check(self) -> int:
        """Free the slots of readers that died; return how many. Call it on a timer."""

    @abstractmethod
    def backup(self, target: Path, beside: Mapping[str, bytes] = NOTHING) -> None:
        """Write a compact copy to the new directory `target` while the store goes on being used.

        `beside` are small files that go with it, by name. Raises Conflict when `target` exists.
        """

    @abstractmethod
    def close(self) -> None:
        """Finish what waits, then release the files. Closing twice is harmless."""
