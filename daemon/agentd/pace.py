"""How often something may be done: so many at once, then one at a time."""

import threading
import time
from collections.abc import Callable


class Pace:
    """A bucket of `burst` that fills with one each `every_s` seconds. Threads share it."""

    def __init__(
        self, *, every_s: float, burst: int, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_s = every_s
        self._burst = burst
        self._now_s = now_s
        self._lock = threading.Lock()
        self._left = float(burst)
        self._at_s = now_s()

    def wait_s(self) -> float:
        """Take one and return 0.0; when there is none, return the seconds until there is."""
        with self._lock:
            now_s = self._now_s()
            self._left = min(self._burst, self._left + (now_s - self._at_s) / self._every_s)
            self._at_s = now_s
            if self._left >= 1.0:
                self._left -= 1.0
                return 0.0
            return (1.0 - self._left) * self._every_s
