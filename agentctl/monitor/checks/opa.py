"""OPA gives no answer: what it is to decide is refused until it does."""

from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.monitor.snapshot import Snapshot


def check(snapshot: Snapshot) -> Iterator[Finding]:
    silent = snapshot.unanswered
    if not silent:
        return
    first = min(silent.values(), key=lambda each: each.since_s)
    yield Finding(
        check="opa",
        severity=Severity.CRITICAL,
        words=f"OPA gives no answer to {', '.join(sorted(silent))}: {first.why};"
        " what it is to decide is refused with 503, and tasks wait",
    )
