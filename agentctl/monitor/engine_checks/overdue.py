"""Containers that run on though the reconciler has told them to stop at their TTL."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.engine_snapshot import EngineSnapshot


def check(snapshot: EngineSnapshot) -> Iterator[Finding]:
    for each in snapshot.overdue:
        yield Finding(
            check="not-stopped",
            subject=f"{each.host}/{each.name}",
            severity=Severity.CRITICAL,
            words=f"{each.name} on {each.host} is {each.for_s:.0f} s past its TTL and grace, and"
            " still runs",
        )
