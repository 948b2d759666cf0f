"""What needs a person's eye: alerts, worst and newest first, each with what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentctl.dashboard import states
from agentctl.dashboard.states import Look

Row = dict[str, Any]

# Check → the command to go on with, where its words don't name one; {} is its subject.
_ACTS = {
    "mode": "agentctl status",
    "state-damaged": "agentctl state verify",
    "engine": "agentctl status",
    "observation": "agentctl status",
    "action-failed": "agentctl plan",
    "heartbeat": "agentctl agents",
    "ttl": "agentctl agents",
    "throughput": "agentctl tasks --state queued",
    "files": "agentctl validate",
    "provider": "agentctl status",
    "provider-key": "agentctl status",
    "opa": "agentctl policy explain",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One alert. `act` is a command, "" where its words name one already."""

    look: Look
    check: str
    subject: str
    words: str
    since_s: float
    count: int
    firing: bool
    act: str


def needs(alerts: Sequence[Row]) -> tuple[Need, ...]:
    """Return alerts, those that fire first, critical ones before warnings, the newest of a kind first."""
    found = [_need(each) for each in alerts]
    return tuple(sorted(found, key=lambda each: (not each.firing, each.look.kind != "bad")))


def _need(alert: Row) -> Need:
    firing = alert["state"] == "firing"
    named = "`" in alert["words"]
    return Need(
        look=states.alert(alert["severity"], alert["state"]),
        check=alert["check"],
        subject=alert["subject"],
        words=alert["words"],
        since_s=alert["since_s"],
        count=alert["count"],
        firing=firing,
        act="" if named or not firing else _ACTS.get(alert["check"], ""),
    )
