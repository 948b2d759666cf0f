"""Records of the store that failed their checksum: each is told until it is dealt with."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.snapshot import Snapshot

SHOWN_MAX = 20  # a disk that rots has more; one alert for each would hide the others


def check(snapshot: Snapshot) -> Iterator[Finding]:
    for name in sorted(snapshot.damaged)[:SHOWN_MAX]:
        yield Finding(
            check="state-damaged",
            subject=name,
            severity=Severity.CRITICAL,
            words=f"{snapshot.damaged[name]}; docs/recovery.md says what to do",
        )
