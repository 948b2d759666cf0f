"""An action of the last pass failed; it is tried again by and by."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot


def check(snapshot: Snapshot) -> Iterator[Finding]:
    for step in snapshot.steps:
        # one that was held back after a failure waits with that failure's words
        if step.state == "failed" or (step.state == "waiting" and "(failed " in step.error):
            yield Finding(
                check="action-failed",
                subject=step.place,
                words=f"{step.verb} {step.place}: {step.error}",
            )
