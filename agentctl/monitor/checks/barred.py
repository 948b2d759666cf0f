"""An agent tried to say something to whom its label bars: a slip in the files, or an agent that was turned."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot

QUIET_S = 600.0  # without another one the alert resolves: it is an event, and the journal has each


def check(snapshot: Snapshot) -> Iterator[Finding]:
    for agent, barred in sorted(snapshot.barred.items()):
        if snapshot.now_s - barred.last_s < QUIET_S:
            yield Finding(
                check="message-label",
                subject=agent,
                words=f"messages of {agent} were refused by label, the last because {barred.why};"
                " `agentctl journal --kind message.refused`",
            )
