"""Nobody has looked at the engines for a while: the reconciler hangs in a pass, or isn't there."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.snapshot import Snapshot

LATE_S = 120.0  # a pass may wait for an agent's grace; a longer one isn't at work any more


def check(snapshot: Snapshot) -> Iterator[Finding]:
    looked_s = snapshot.looked_s
    limit_s = max(LATE_S, 3 * snapshot.monitoring.converge_s)
    if looked_s is not None and snapshot.now_s - looked_s > limit_s:
        yield Finding(
            check="observation",
            severity=Severity.CRITICAL,
            words=f"the engines were last looked at {snapshot.now_s - looked_s:.0f} s ago:"
            " is the reconciler at work?",
        )
