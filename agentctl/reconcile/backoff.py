"""When a container that failed may be tried again: exponential, bounded, per place in the fleet."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agentctl.reconcile.slots import Slot

BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0  # five minutes: an operator who mends the cause doesn't wait long for us
HEALTHY_S = 60.0  # what ran for a minute isn't in a crash loop


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How often in a row one spec failed in one place, why the last time, and until when to wait."""

    spec: str
    times: int
    error: str
    until_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The failures in force. Times are seconds of one monotonic clock."""

    failures: Mapping[Slot, Failure] = field(default_factory=dict)

    def failed(self, slot: Slot, spec: str, error: str, *, now_s: float) -> "Backoff":
        """Return the backoff after one more failure of `spec` in `slot`."""
        before = self.failures.get(slot)
        times = before.times + 1 if before and before.spec == spec else 1
        failure = Failure(spec=spec, times=times, error=error, until_s=now_s + delay_s(times))
        return replace(self, failures={**self.failures, slot: failure})

    def cleared(self, slot: Slot) -> "Backoff":
        """Return the backoff without `slot`: its container has proved healthy, or is wanted no more."""
        if slot not in self.failures:
            return self
        left = {other: failure for other, failure in self.failures.items() if other != slot}
        return replace(self, failures=left)

    def waits(self, slot: Slot, spec: str, *, now_s: float) -> Failure | None:
        """Return the failure that holds `slot` back, or None. A changed spec is tried at once."""
        failure = self.failures.get(slot)
        if failure is None or failure.spec != spec or failure.until_s <= now_s:
            return None
        return failure


def delay_s(times: int) -> float:
    """Return the wait after `times` failures in a row: 1, 2, 4 … seconds, at most five minutes."""
    doublings = min(times - 1, 16)  # 2**16 s is far above the maximum, and never overflows
    return min(BACKOFF_FIRST_S * float(2**doublings), BACKOFF_MAX_S)
