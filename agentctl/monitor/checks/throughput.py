"""Nothing moves: told apart by whether nobody is there, all are at work, or all is refused.

An empty queue is no finding, however long it lasts.
"""

from collections import defaultdict
from collections.abc import Iterator

from agentctl.model.alert import Finding, Severity
from agentctl.model.mode import ModeName
from agentctl.monitor.snapshot import Capacity, Snapshot

NO_CAPACITY = "no-capacity"
ALL_BUSY = "all-busy"
ALL_REFUSED = "all-refused"
ALL_HELD = "all-held"

_WORDS = {
    NO_CAPACITY: "waits, and none of its containers runs",
    ALL_BUSY: "waits, and each of its containers holds a task that gets nowhere",
    ALL_REFUSED: "waits, and its idle containers may not take it (born for another label or boundary)",
}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.mode.name is not ModeName.NORMAL:
        return  # it stands still by order, or for a cause that has an alert of its own
    window_s = snapshot.monitoring.zero_throughput_s
    since_s = snapshot.now_s - window_s
    if snapshot.moved_s > since_s:
        return
    stuck: dict[str, list[str]] = defaultdict(list)
    for agent, waiting in snapshot.waiting.items():
        if waiting.oldest_s <= since_s:
            why = _why(snapshot.capacity.get(agent, Capacity()))
            stuck[why].append(f"work of {agent} ({waiting.tasks}) {_WORDS[why]}")
    held_s = snapshot.held_oldest_s
    if not snapshot.waiting and held_s is not None and held_s <= since_s:
        most = max(snapshot.held, key=lambda reason: snapshot.held[reason])
        stuck[ALL_HELD].append(
            f"all {sum(snapshot.held.values())} tasks that wait are held, most because {most}"
        )
    for why, what in stuck.items():
        yield Finding(
            check="throughput",
            subject=why,
            severity=Severity.CRITICAL,
            words=f"no work has moved for {window_s:.0f} s: {'; '.join(what)}",
        )


def _why(capacity: Capacity) -> str:
    if not capacity.ready:
        return NO_CAPACITY
    return ALL_BUSY if capacity.busy >= capacity.ready else ALL_REFUSED
