"""The hub isn't in its normal mode."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.model.mode import ModeName
from agentctl.monitor.snapshot import Snapshot

_SEVERITY = {
    ModeName.PAUSED: Severity.WARNING,
    ModeName.DEGRADED: Severity.CRITICAL,
    ModeName.PANIC: Severity.CRITICAL,
}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    mode = snapshot.mode
    if mode.name is ModeName.NORMAL:
        return
    by = f" by {mode.who}" if mode.who else ""
    yield Finding(
        check="mode",
        subject=mode.name.value,
        severity=_SEVERITY[mode.name],
        words=f"{mode.name}{by}: {mode.reason or 'no reason given'}",
    )
