"""Tasks that nobody may take: each waits for a person, or for another fleet."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot


def check(snapshot: Snapshot) -> Iterator[Finding]:
    total = sum(snapshot.held.values())
    if total:
        most = max(snapshot.held, key=lambda reason: snapshot.held[reason])
        yield Finding(
            check="tasks-held",
            words=f"{total} held, most because {most}; `agentctl tasks --state held`",
        )
