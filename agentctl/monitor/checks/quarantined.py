"""An agent is set apart: it stays so until somebody releases it, so somebody is reminded."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot


def check(snapshot: Snapshot) -> Iterator[Finding]:
    for agent, stands in sorted(snapshot.quarantined.items()):
        yield Finding(
            check="quarantine",
            subject=agent,
            words=f"{agent} is {stands.spoken[:300]}; `agentctl release {agent}` lets it back",
        )
