"""What runs has differed from what is declared for too long."""

from collections.abc import Iterator

from agentctl.model.alert import Finding
from agentctl.model.mode import ModeName
from agentctl.monitor.snapshot import Snapshot

SHOWN_MAX = 3  # places named; the plan shows all


def check(snapshot: Snapshot) -> Iterator[Finding]:
    since_s = snapshot.apart_since_s
    if since_s is None or snapshot.mode.name is not ModeName.NORMAL:
        return  # in the other modes it stays apart by order
    apart_s = snapshot.now_s - since_s
    if apart_s <= snapshot.monitoring.drift_s:
        return
    open_steps = [each for each in snapshot.steps if each.state != "done"]
    named = ", ".join(f"{each.verb} {each.place}" for each in open_steps[:SHOWN_MAX])
    more = f" and {len(open_steps) - SHOWN_MAX} more" if len(open_steps) > SHOWN_MAX else ""
    yield Finding(
        check="drift",
        words=f"not as declared for {apart_s:.0f} s: {named or 'a host is not reached'}{more};"
        " `agentctl plan` shows it",
    )
