"""Tells the hub how far a task is, at most every two seconds, and never holds the task up."""

import contextlib
import threading
import time
from dataclasses import replace

from agentd import report
from agentd.assignment import Assignment
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.outcome import Progress

EVERY_S = 2.0


class ProgressReporter:
    """Keeps the latest counts of one task; a thread of its own sends them. What can't be sent is dropped."""

    def __init__(self, hub: Hub, job: Assignment) -> None:
        self._hub = hub
        self._job = job
        self._changed = threading.Condition()
        self._latest: Progress | None = None
        self._over = False
        self._note = ""
        self._counted = Progress()
        self._urgent = False  # the model said something: that isn't dropped with the counts

    def start(self) -> None:
        """Start sending."""
        name = f"progress-{self._job.task[-6:]}"
        threading.Thread(target=self._send_all, name=name, daemon=True).start()

    def __call__(self, so_far: Progress) -> None:
        """Note the latest counts; returns at once."""
        with self._changed:
            self._counted = so_far
            self._latest = replace(so_far, note=so_far.note or self._note)
            self._changed.notify_all()

    def note(self, words: str) -> None:
        """Note what the model says of its progress: it stands until it says something else."""
        with self._changed:
            self._note = words
            self._latest = replace(self._counted, note=words)
            self._urgent = True
            self._changed.notify_all()

    def close(self) -> None:
        """Send nothing more: the result says it all."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _send_all(self) -> None:
        number = 0
        while (so_far := self._next()) is not None:
            number += 1
            with contextlib.suppress(HubAway, HubRefused, Interrupted):  # the next one says more
                self._hub.send(report.progress(self._job, number, so_far))
            self._rest()

    def _next(self) -> Progress | None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._latest is not None)
            latest, self._latest = self._latest, None
            said, self._urgent = self._urgent, False
            return None if self._over and not said else latest

    def _rest(self) -> None:
        until_s = time.monotonic() + EVERY_S
        with self._changed:
            self._changed.wait_for(
                lambda: self._over or self._urgent, timeout=until_s - time.monotonic()
            )
