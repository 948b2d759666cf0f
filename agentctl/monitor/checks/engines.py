"""A host's engine doesn't answer: nothing is started, stopped or handed out there."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.snapshot import Snapshot


def check(snapshot: Snapshot) -> Iterator[Finding]:
    for host in snapshot.hosts:
        if host.down:
            yield Finding(
                check="engine",
                subject=host.name,
                severity=Severity.CRITICAL,
                words=f"the engine of {host.name} doesn't answer: {host.error}",
            )
