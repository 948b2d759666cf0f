"""Tasks whose agent lives and gets nowhere: heartbeats come, progress doesn't."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.monitor.snapshot import Snapshot

NAMED_MAX = 20  # alerts at once; a fleet that stands still has one cause, not a thousand


def check(snapshot: Snapshot) -> Iterator[Finding]:
    limit_s = snapshot.monitoring.stalled_s
    stalled = [each for each in snapshot.working if snapshot.now_s - each.moved_s > limit_s]
    for each in stalled[:NAMED_MAX]:
        yield Finding(
            check="stalled",
            subject=each.task,
            words=f"{each.agent} holds it alive and without progress for"
            f" {snapshot.now_s - each.moved_s:.0f} s; `agentctl task show {each.task}`",
        )
    if len(stalled) > NAMED_MAX:
        yield Finding(
            check="stalled",
            words=f"{len(stalled)} tasks are without progress, not only those named",
        )
