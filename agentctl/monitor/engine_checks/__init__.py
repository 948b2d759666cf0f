"""The reconciler's checks: what it alone can see, at the engines; pure, one file each."""

from collections.abc import Callable, Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.engine_checks import orphans, overdue
from agentctl.monitor.engine_snapshot import EngineSnapshot

Check = Callable[[EngineSnapshot], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (orphans.check, overdue.check)
FINDINGS_MAX = 500  # of one look; past that the rest is more of the same


def check(snapshot: EngineSnapshot) -> tuple[Finding, ...]:
    """Return all that is wrong at the engines."""
    return tuple(finding for each in CHECKS for finding in each(snapshot))[:FINDINGS_MAX]
