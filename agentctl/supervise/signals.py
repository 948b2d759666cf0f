"""Signals as something to wait for: SIGINT and SIGTERM ask for the end, SIGHUP to read the files again."""

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signals:
    """What was asked for so far. `asked` counts SIGINT and SIGTERM: a second one means at once.

    `reload` is set by SIGHUP; whoever acts on it takes it back. SIGCHLD only wakes.
    """

    def __init__(self, wakeup: int) -> None:
        self.asked = 0
        self.reload = False
        self._wakeup = wakeup

    def wait(self, timeout_s: float) -> None:
        """Return at the next signal, or after `timeout_s`."""
        ready, _, _ = select.select([self._wakeup], [], [], max(timeout_s, 0))
        if ready:
            os.read(self._wakeup, 4096)

    def heard(self, number: int, _frame: FrameType | None) -> None:
        """Note what a signal asks for."""
        if number == signal.SIGHUP:
            self.reload = True
        elif number != signal.SIGCHLD:
            self.asked += 1


@contextmanager
def listening() -> Iterator[Signals]:
    """Take SIGINT, SIGTERM, SIGHUP and SIGCHLD while the block runs; main thread only."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signals = Signals(reader)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
    before = {number: signal.signal(number, signals.heard) for number in numbers}
    wakeup_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield signals
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
