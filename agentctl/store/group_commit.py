"""One thread that writes: works that wait share one transaction and one fsync.

Each work runs in a child transaction of the group's: a failing one leaves its
siblings intact. Callers are woken after the group's commit, never before.
Source: docs/decisions/0002-store.md.
"""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import lmdb

from agentctl import failpoints
from agentctl.errors import StoreUnavailable, Unavailable
from agentctl.store.lmdb_txn import Handles, LmdbTxn
from agentctl.store.txn import Txn

WAITING_MAX = 4096  # a second of commits on a slow disk: beyond it, waiting longer helps nobody
GROUP_MAX = 256  # more amortises the fsync no further, and the first of a group waits for the last

T = TypeVar("T")


class _Job(Generic[T]):
    """A work that waits, and what came of it once that is durable.

    One lock wakes its caller: a Future does it by three, made anew for each and handled in Python.
    """

    __slots__ = ("_pending", "answer", "error", "work")

    def __init__(self, work: Callable[[Txn], T]) -> None:
        self.work = work
        self.answer: T | None = None
        self.error: BaseException | None = None
        self._pending = threading.Lock()
        self._pending.acquire()

    def result(self, timeout: float | None = None) -> T:
        """Wait until the work is durable, or has failed; return its answer or raise its error.

        Raises TimeoutError after `timeout` seconds.
        """
        error = self.exception(timeout)
        if error is not None:
            raise error
        return self.answer  # type: ignore[return-value]  # set, unless there is an error

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait as `result` does; return the error, None when there is none."""
        pending = self._pending
        if not pending.acquire(timeout=-1 if timeout is None else timeout):
            raise TimeoutError
        pending.release()  # it may be asked again
        return self.error

    def run(self, env: lmdb.Environment, group: lmdb.Transaction, handles: Handles) -> None:
        """Run in a child of the group; an exception undoes this work alone and is kept for its caller."""
        child = env.begin(write=True, parent=group)
        try:
            self.answer = self.work(LmdbTxn(child, handles))
            child.commit()
        except BaseException as error:  # noqa: BLE001 it belongs to the caller's thread, whatever it is
            child.abort()
            self.error = unavailable(error) if isinstance(error, lmdb.Error) else error

    def settle(self) -> None:
        """Wake the caller."""
        self._pending.release()


class GroupCommit:
    """The writing thread and its bounded queue. It alone opens write transactions."""

    def __init__(
        self,
        env: lmdb.Environment,
        handles: Handles,
        *,
        failed: Callable[[StoreUnavailable], None],
    ) -> None:
        self.commits = 0
        self.works = 0
        self.last_error: StoreUnavailable | None = None
        self._env = env
        self._handles = handles
        self._failed = failed
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()  # None: the last of them
        self._taking = threading.Lock()  # so that no job comes after the last
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        return self._jobs.qsize()

    def submit(self, work: Callable[[Txn], T]) -> _Job[T]:
        """Queue a work; raises Unavailable when the queue is full, StoreUnavailable when closed."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("a work may not write to the store through another transaction")
        job = _Job(work)
        with self._taking:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            if self._jobs.qsize() >= WAITING_MAX:
                raise Unavailable(
                    f"the store is {WAITING_MAX} writes behind", retry_after_s=1.0, hint="try again"
                )
            self._jobs.put(job)
        return job

    def close(self) -> None:
        """Refuse new works, finish those that wait, end the thread."""
        with self._taking:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (first := self._jobs.get()) is not None:
            group, more = self._with_those_there(first)
            self._commit(group)
            for job in group:
                job.settle()
            if not more:
                return

    def _with_those_there(self, first: _Job[Any]) -> tuple[list[_Job[Any]], bool]:
        """Return a job with those that wait behind it, and whether more may come."""
        group = [first]
        while len(group) < GROUP_MAX:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                return group, False
            group.append(job)
        return group, True

    def _commit(self, group: list[_Job[Any]]) -> None:
        try:
            self._write(group)
        except Exception as cause:  # noqa: BLE001 this thread must outlive all: every writer needs it
            for job in group:  # a work that failed by itself may have read what is now undone
                job.error = unavailable(cause)
            self.last_error = unavailable(cause)
            self._failed(self.last_error)
        else:
            self.commits += 1
            self.works += len(group)
            self._note_works_that_ran_out_of_room(group)

    def _write(self, group: list[_Job[Any]]) -> None:
        """Run the group in one transaction and commit it; when it raises, nothing was kept."""
        txn = self._env.begin(write=True)
        try:
            for job in group:
                job.run(self._env, txn, self._handles)
            failpoints.hit("store.commit.before")
            txn.commit()
        except BaseException:
            txn.abort()
            raise
        failpoints.hit("store.commit.after")

    def _note_works_that_ran_out_of_room(self, group: list[_Job[Any]]) -> None:
        """A full map fails the works, not the commit: for the mode, that is a failed write too."""
        lost = [job.error for job in group if isinstance(job.error, StoreUnavailable)]
        self.last_error = lost[0] if lost else None
        if lost:
            self._failed(lost[0])


def unavailable(cause: BaseException) -> StoreUnavailable:
    """Return what callers get when LMDB can't write, with LMDB's error as its cause."""
    what = "is full" if isinstance(cause, lmdb.MapFullError) else "can't write"
    error = StoreUnavailable(
        f"the store {what}: {cause}",
        hint="nothing of this write was kept; make room on the state directory's disk and try again",
    )
    error.__cause__ = cause
    return error
