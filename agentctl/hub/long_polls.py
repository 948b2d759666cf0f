"""How many may wait at once: a waiting poll holds a thread, and results must always find one.

The bounds are of waiting, never of asking: over them a poll is answered at once.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class LongPolls:
    """Places to wait in, in all and for each waiter."""

    def __init__(self, *, places: int, each: int) -> None:
        self._places = places
        self._each = each
        self._lock = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def place(self, waiter: str) -> Iterator[bool]:
        """Take a place to wait in for the time of the block; yield whether there was one."""
        granted = self._take(waiter)
        try:
            yield granted
        finally:
            if granted:
                self._give_back(waiter)

    def _take(self, waiter: str) -> bool:
        with self._lock:
            if self._all >= self._places or self._waiting[waiter] >= self._each:
                return False
            self._all += 1
            self._waiting[waiter] += 1
            return True

    def _give_back(self, waiter: str) -> None:
        with self._lock:
            self._all -= 1
            self._waiting[waiter] -= 1
            if not self._waiting[waiter]:
                del self._waiting[waiter]
