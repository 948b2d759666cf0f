"""Tasks that spent all their attempts lately."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot


def check(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.dead:
        yield Finding(
            check="dead-letters",
            words=f"{snapshot.dead} dead within {snapshot.monitoring.dead_letters_s / 3600:g} h;"
            " `agentctl tasks --state dead`, then `agentctl task retry`",
        )
