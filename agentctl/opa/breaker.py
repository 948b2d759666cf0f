"""When a server that keeps failing isn't asked for a while. Pure: times are arguments.

Closed while it answers. After some failures in a row it rests; then one is let through, and
on its outcome it closes, or rests again.
"""

from dataclasses import dataclass, replace

FAILURES_MAX = 5  # in a row: a restart or a lost packet is fewer
REST_S = 5.0  # what a server that is back costs in refused acts, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Failures in a row; until when it rests (None: it is closed); whether one is out to try."""

    failures: int = 0
    rests_until_s: float | None = None
    trying: bool = False

    def entered(self, now_s: float) -> "Breaker | None":
        """Return the breaker with one more asking, None when it may not be asked now."""
        if self.rests_until_s is None:
            return self
        if self.trying or now_s < self.rests_until_s:
            return None
        return replace(self, trying=True)

    def failed(self, now_s: float) -> "Breaker":
        failures = self.failures + 1
        if failures < FAILURES_MAX:
            return replace(self, failures=failures)
        return Breaker(failures=failures, rests_until_s=now_s + REST_S)

    def answered(self) -> "Breaker":
        return Breaker()
