"""Signals as something to wait for, or to be told of by a thread; nothing is done in a handler.

A handler runs in the main thread between any two of its steps: one that sets an Event which that
thread is just waiting on stops both for ever. What the kernel tells goes through a pipe instead
(signal.set_wakeup_fd), which the interpreter writes to without running any Python.
"""

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
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


@contextmanager
def told(acts: Mapping[signal.Signals, Callable[[], object]]) -> Iterator[None]:
    """Call an act, on a thread of its own, for each of these signals while the block runs.

    Main thread only. An act may take locks: no handler runs it.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, _nothing) for number in acts}
    wakeup_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    teller = threading.Thread(target=_tell, args=(reader, acts), name="signals", daemon=True)
    teller.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writer)  # the teller reads the end of it, and closes its own
        teller.join()


def _tell(reader: int, acts: Mapping[signal.Signals, Callable[[], object]]) -> None:
    numbered = {int(number): act for number, act in acts.items()}
    with os.fdopen(reader, "rb", buffering=0) as heard:
        while numbers := heard.read(4096):
            for number in numbers:
                numbered.get(number, _ignored)()


def _ignored() -> None:
    """A signal that another handler of this process takes."""


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Keep the signal from ending the process; who acts on it hears of it through the pipe."""
