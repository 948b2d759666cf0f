"""How long to wait before asking again, when the hub is away."""

import random
from collections.abc import Callable

FIRST_S = 0.1  # a restarted hub answers within a second: don't miss it
MOST_S = 5.0  # well under a lease period: a hub that is back is noticed before leases expire


class Backoff:
    """Doubling waits with full jitter below their upper half; never gives up by itself."""

    def __init__(
        self,
        *,
        first_s: float = FIRST_S,
        most_s: float = MOST_S,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random_unit = random_unit
        self._failures = 0

    def succeeded(self) -> None:
        """Start from the first wait again."""
        self._failures = 0

    def failed(self, *, retry_after_s: float | None = None) -> float:
        """Return the seconds to wait after one more failure.

        Between half and the whole of the doubled wait, so that a thousand
        agents don't return at once; at least what the hub asked for, within
        reason (a lease must not expire while we are polite).
        """
        step_s = min(self._most_s, self._first_s * float(1 << min(self._failures, 16)))
        self._failures += 1
        wait_s = step_s * (0.5 + 0.5 * self._random_unit())
        return max(wait_s, min(retry_after_s or 0.0, self._most_s))
