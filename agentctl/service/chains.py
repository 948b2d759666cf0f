"""How far messages have come by messages, and how many a task has sent: what ends worms.

An attempt has the highest hop count of what was handed to it; what it sends is one further. In
memory only: after a restart chains begin anew, as the boxes do.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable

TASKS_REMEMBERED_MAX = 20_000  # the longest quiet go first

Attempt = tuple[str, int]


class Chains:
    """The counts. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hops: OrderedDict[Attempt, int] = OrderedDict()
        self._sent: OrderedDict[str, int] = OrderedDict()

    def hops(self, attempt: Attempt) -> int:
        """Return the hops of the furthest message that was handed to an attempt."""
        return self._hops.get(attempt, 0)

    def raise_to(self, attempts: Iterable[Attempt], hops: int) -> None:
        """Take note that a message of so many hops was handed to these attempts."""
        with self._lock:
            for each in attempts:
                self._hops[each] = max(hops, self._hops.pop(each, 0))
                if len(self._hops) > TASKS_REMEMBERED_MAX:
                    self._hops.popitem(last=False)

    def sent(self, task: str) -> int:
        """Return how many messages of a task were taken or refused for good."""
        return self._sent.get(task, 0)

    def count(self, task: str) -> None:
        """Count one more message of a task."""
        with self._lock:
            self._sent[task] = self._sent.pop(task, 0) + 1
            if len(self._sent) > TASKS_REMEMBERED_MAX:
                self._sent.popitem(last=False)
