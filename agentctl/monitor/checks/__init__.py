"""The hub's checks: each one file, each a function from a snapshot to what is wrong in it; pure."""

from collections.abc import Callable, Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.checks import (
    actions,
    barred,
    damage,
    dead_letters,
    drift,
    engines,
    files,
    heartbeats,
    held,
    keys,
    mode,
    observation,
    opa,
    providers,
    quarantined,
    signing_key,
    stalled,
    throughput,
    ttl,
)
from agentctl.monitor.snapshot import Snapshot

Check = Callable[[Snapshot], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    mode.check,
    damage.check,
    engines.check,
    observation.check,
    actions.check,
    drift.check,
    heartbeats.check,
    ttl.check,
    stalled.check,
    throughput.check,
    held.check,
    dead_letters.check,
    barred.check,
    quarantined.check,
    files.check,
    opa.check,
    providers.check,
    keys.check,
    signing_key.check,
)


def check(snapshot: Snapshot) -> tuple[Finding, ...]:
    """Return all that is wrong in the snapshot."""
    return tuple(finding for each in CHECKS for finding in each(snapshot))
