"""The orderly end: no new work, the current task within the grace, else its partial result."""

import queue

from agentd import clock, log
from agentd.desk import Desk
from agentd.stop import StopReason

_REPORT_S = 3.0  # of the grace, kept for stopping the CLI (2 s at most) and sending what it said


class Drain:
    """Asked by SIGTERM or by the TTL; asked again, it doesn't wait for the task."""

    def __init__(self, desk: Desk, *, grace_s: float) -> None:
        self._desk = desk
        self._grace_s = grace_s
        # Not an Event: its lock is not reentrant, and the handler runs in the waiting thread.
        self._asks: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ask(self) -> None:
        """Ask for the end. Safe in a signal handler."""
        self._asks.put(None)

    def wait(self) -> None:
        """Return when the end was asked for and everything is told, or the grace is over."""
        self._asks.get()
        end_s = clock.boot_s() + self._grace_s
        log.info("drain.begun", holds=len(self._desk.holds()), grace_s=self._grace_s)
        self._desk.close()
        work_s = max(self._grace_s - _REPORT_S, self._grace_s / 2)
        self._wait_for_work(clock.boot_s() + work_s)
        self._desk.stop_all(StopReason.DRAINED)
        told = self._desk.wait_empty(end_s - clock.boot_s())
        log.info("drain.over", told=told, holds=len(self._desk.holds()))

    def _wait_for_work(self, until_s: float) -> None:
        while (left_s := until_s - clock.boot_s()) > 0 and self._asks.empty():
            if self._desk.wait_empty(min(left_s, 0.2)):
                return
