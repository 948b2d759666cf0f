"""What runs has differed from what is declared for too long."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.model.mode import ModeName
from agentctl.monitor.snapshot import Snapshot, Step

SHOWN_MAX = 3  # places named; the plan shows all


def check(snapshot: Snapshot) -> Iterator[Finding]:
    since_s = snapshot.apart_since_s
    if since_s is None or snapshot.mode.name is not ModeName.NORMAL:
        return  # in the other modes it stays apart by order
    apart_s = snapshot.now_s - since_s
    if apart_s <= snapshot.monitoring.drift_s:
        return
    open_steps = [each for each in snapshot.steps if not _on_its_way(each)]
    if not open_steps:
        return  # a host that isn't reached has an alert of its own
    named = ", ".join(f"{each.verb} {each.place}" for each in open_steps[:SHOWN_MAX])
    more = f" and {len(open_steps) - SHOWN_MAX} more" if len(open_steps) > SHOWN_MAX else ""
    yield Finding(
        check="drift",
        words=f"not as declared for {apart_s:.0f} s: {named}{more}; `agentctl plan` shows it",
    )


def _on_its_way(step: Step) -> bool:
    """Whether a step is done, or waits for a task to end, as it should."""
    return step.state == "done" or (step.state == "waiting" and not step.error)
