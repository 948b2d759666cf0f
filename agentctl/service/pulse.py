"""The fleet's pulse: what ended in each of the last minutes, and what the day's work cost.

It is a picture in memory, kept up as tasks end, so that looking at it reads no store; the
account is in the tasks. An end whose write failed may be counted all the same.
"""

import threading
from collections import Counter

from agentctl.model.task import Task, TaskState
from agentctl.store import Store, Txn
from agentctl.store import tasks as task_table

MINUTES = 60  # as many as are shown
LOADED_MAX = 5000  # newest tasks read when somebody looks first: some 40 ms
DAY_S = 86400.0


class Pulse:
    """Ends by minute and dollars by day (UTC), since `since_s` (wall clock). Any thread may call it."""

    def __init__(self) -> None:
        self.since_s = 0.0
        self.loaded = False
        self._lock = threading.Lock()
        self._completed: Counter[int] = Counter()
        self._others: Counter[int] = Counter()
        self._costs: dict[int, float] = {}

    def ended(self, task: Task, at_s: float) -> None:
        """Count a task that ended at `at_s` (wall clock seconds)."""
        minute, day = int(at_s // 60), int(at_s // DAY_S)
        with self._lock:
            into = self._completed if task.state is TaskState.COMPLETED else self._others
            into[minute] += 1
            self._costs[day] = self._costs.get(day, 0.0) + (task.usage.cost_usd or 0.0)
            self._forget(minute, day)

    def begin(self) -> bool:
        """Whether what was before is to be taken up now: once, by one of those that look."""
        with self._lock:
            first, self.loaded = not self.loaded, True
            return first

    def minutes(self, now_s: float) -> list[tuple[int, int]]:
        """Return (completed, ended otherwise) of each of the last MINUTES, oldest first, this one last."""
        last = int(now_s // 60)
        with self._lock:
            return [
                (self._completed[each], self._others[each])
                for each in range(last - MINUTES + 1, last + 1)
            ]

    def cost_usd(self, now_s: float) -> float:
        """Return what the tasks cost that ended today (UTC)."""
        with self._lock:
            return self._costs.get(int(now_s // DAY_S), 0.0)

    def _forget(self, minute: int, day: int) -> None:
        for counted in (self._completed, self._others):
            for old in [each for each in counted if each <= minute - MINUTES]:
                del counted[old]
        for gone in [each for each in self._costs if each < day]:
            del self._costs[gone]


def load(pulse: Pulse, store: Store, *, until_s: float) -> None:
    """Take up, once, what the newest tasks say that ended before `until_s`: when the hub began to count.

    `since_s` stays 0 when they are all that there are. Raises StateDamaged, and then tries again.
    """
    if pulse.loaded:
        return
    with store.read() as txn:
        found, whole = _newest(txn)
    if pulse.begin():
        for each in found:
            if each.finished_at_s is not None and each.finished_at_s < until_s:
                pulse.ended(each, each.finished_at_s)
        pulse.since_s = 0.0 if whole or not found else found[-1].submitted_at_s


def _newest(txn: Txn) -> tuple[list[Task], bool]:
    """Return up to LOADED_MAX tasks, newest first, and whether there are no others."""
    found: list[Task] = []
    before: str | None = None
    while len(found) < LOADED_MAX:
        page, before = task_table.page(txn, limit=task_table.PAGE_MAX, before=before)
        found += page
        if before is None:
            return found, True
    return found, False
