"""A word to a running call of a tool: nobody wants its answer any more."""

import threading
from collections.abc import Callable


class Ended(Exception):
    """Nobody wants the answer: the call was cancelled, or its task is over."""


class Cancellation:
    """Of one call. Asked from any thread, more than once does no harm; heard at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._listeners: list[Callable[[], None]] = []

    def ask(self) -> None:
        """Say it, and tell who listens."""
        with self._lock:
            self._asked.set()
            listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener()

    def is_asked(self) -> bool:
        """Whether it was said."""
        return self._asked.is_set()

    def check(self) -> None:
        """Raise Ended once it was said."""
        if self._asked.is_set():
            raise Ended

    def wait(self, for_s: float) -> None:
        """Wait that long; Ended as soon as it is said."""
        self._asked.wait(for_s)
        self.check()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when it is said: at once when it was."""
        with self._lock:
            asked = self._asked.is_set()
            if not asked:
                self._listeners.append(listener)
        if asked:
            listener()
