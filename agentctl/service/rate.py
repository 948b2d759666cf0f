"""How often each may ask: a bucket of tokens for each asker, in memory; one in a loop costs the others nothing.

An asker that was away long enough has a full bucket again, so it need not be remembered.
"""

import threading
from collections import OrderedDict

ASKERS_REMEMBERED_MAX = 10_000  # the longest quiet go first: by then their buckets are full


class Rate:
    """`burst` requests at once, `per_s` a second after that, for each asker on its own."""

    def __init__(self, *, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, as of when

    def wait_s(self, asker: str, now_s: float) -> float:
        """Take a token; return 0.0, or in how many seconds there will be one. `now_s` never goes back."""
        with self._lock:
            tokens, at_s = self._buckets.pop(asker, (self._burst, now_s))
            tokens = min(self._burst, tokens + (now_s - at_s) * self._per_s)
            granted = tokens >= 1.0
            self._buckets[asker] = (tokens - 1.0 if granted else tokens, now_s)
            if len(self._buckets) > ASKERS_REMEMBERED_MAX:
                self._buckets.popitem(last=False)
            return 0.0 if granted else (1.0 - tokens) / self._per_s
