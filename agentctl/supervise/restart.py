"""When a child that fell is started again: later each time, with jitter, forgiven after a minute; pure."""

from dataclasses import dataclass

DELAY_FIRST_S = 0.5
DELAY_MAX_S = 60.0
HEALTHY_S = 60.0
JITTER = 0.25  # of the delay: children that fell together don't start together


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """How often in a row a child fell. Times are seconds of one monotonic clock."""

    falls: int = 0

    def fell(self, *, started_s: float, now_s: float) -> "Restarts":
        """Return the count after one more fall; a child that ran for a minute starts anew at one."""
        return Restarts(falls=1 if now_s - started_s >= HEALTHY_S else self.falls + 1)

    def delay_s(self, random: float) -> float:
        """Return the wait before the next start; `random` is between 0 and 1."""
        doublings = min(self.falls - 1, 16)  # far above the maximum, and never overflows
        delay_s = min(DELAY_FIRST_S * float(2**doublings), DELAY_MAX_S)
        return delay_s * (1 + JITTER * random)
