"""Thresholds that can't do what they are for."""

from collections.abc import Iterator

from agentctl.config.finding import Finding
from agentctl.config.references.known import error
from agentctl.model.fleet import DesiredState


def watching(desired: DesiredState) -> Iterator[Finding]:
    times = desired.monitoring
    yield from _at_least(
        "reconciler_silent",
        times.reconciler_silent_s,
        2 * times.converge_s,
        "a reconciler that looks every {other:g}s would count as silent between two looks",
        times.converge_s,
    )
    yield from _at_least(
        "orphan_grace",
        times.orphan_grace_s,
        times.converge_s,
        "two scans {other:g}s apart can't be a shorter grace apart",
        times.converge_s,
    )
    yield from _at_least(
        "stalled",
        times.stalled_s,
        times.lease_s,
        "a lease of {other:g}s ends before its task counts as stalled",
        times.lease_s,
    )
    yield from _at_least(
        "zero_throughput",
        times.zero_throughput_s,
        times.lease_s,
        "work of an agent that went silent comes back after {other:g}s only",
        times.lease_s,
    )


def _at_least(name: str, is_s: float, least_s: float, why: str, other: float) -> Iterator[Finding]:
    if is_s < least_s:
        yield error(
            f"{name.replace('_', '-')}-too-short",
            f"{name} of {is_s:g}s is too short: {why.format(other=other)}",
            ("monitoring", name),
            expected=f"at least {least_s:g}s",
            found=f"{is_s:g}s",
        )
