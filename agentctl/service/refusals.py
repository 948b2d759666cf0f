"""How many refusals of one container are written down: provoking more must not fill the journal.

Those beyond the bound are counted, and the next one that is written says how many there were.
"""

import threading
from dataclasses import dataclass

PERIOD_S = 60.0
OF_A_CONTAINER_MAX = 20  # a period; one that tries things out shows in the first few
OF_ALL_MAX = 200  # a period; at 500 bytes a line that is 150 MB a day, whatever agents do
CONTAINERS_MAX = 1024  # remembered at once; forgetting one costs it no more than a fresh share

_ALL = "*"


@dataclass(slots=True)
class _Share:
    began_s: float
    written: int = 0


class Refusals:
    """The shares of this period. Threads share it; times are CLOCK_BOOTTIME seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shares: dict[str, _Share] = {}
        self._unwritten: dict[str, int] = {}

    def take(self, container: str, *, now_s: float) -> int | None:
        """Return how many of this container's weren't written since its last line; None: nor is this one."""
        with self._lock:
            mine, everyone = self._share(container, now_s), self._share(_ALL, now_s)
            if mine.written >= OF_A_CONTAINER_MAX or everyone.written >= OF_ALL_MAX:
                self._unwritten[container] = self._unwritten.get(container, 0) + 1
                return None
            mine.written += 1
            everyone.written += 1
            return self._unwritten.pop(container, 0)

    def _share(self, name: str, now_s: float) -> _Share:
        found = self._shares.get(name)
        if found is None or now_s - found.began_s >= PERIOD_S:
            found = self._shares[name] = _Share(now_s)
        if len(self._shares) > CONTAINERS_MAX:
            self._shares = {_ALL: self._shares.get(_ALL, found), name: found}
            self._unwritten.clear()
        return found
