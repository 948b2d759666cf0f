"""A provider has no key: its agents can do nothing, and their work is held until it has one."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.snapshot import Snapshot

CHECK = "provider-key"
PREFIX = "provider unusable: "


def check(snapshot: Snapshot) -> Iterator[Finding]:
    for name, why in snapshot.unusable.items():
        yield Finding(check=CHECK, subject=name, severity=Severity.CRITICAL, words=f"{PREFIX}{why}")
