"""Containers of ours that the hub has no record of; recycled after a grace, what they said kept."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.engine_snapshot import EngineSnapshot


def check(snapshot: EngineSnapshot) -> Iterator[Finding]:
    for each in snapshot.orphans:
        if each.for_s > 0:  # seen by one look alone, it may be a container in the making
            yield Finding(
                check="orphan",
                subject=f"{each.host}/{each.name}",
                words=f"the hub has no record of {each.name} on {each.host}, for"
                f" {each.for_s:.0f} s; it is recycled after {snapshot.orphan_grace_s:.0f} s,"
                " what it said is kept",
            )
