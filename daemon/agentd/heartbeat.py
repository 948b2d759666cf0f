"""Says that the agent lives and which attempts it holds: that is what keeps their leases."""

import threading
from typing import Any

from agentd import log, report
from agentd.backoff import Backoff
from agentd.desk import Desk
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.recall import Recall
from agentd.stop import StopReason


class Heartbeat:
    """A thread of its own, so that nothing else's trouble can cost a lease."""

    def __init__(self, hub: Hub, *, desk: Desk, recall: Recall, every_s: float) -> None:
        self._hub = hub
        self._desk = desk
        self._recall = recall
        self._every_s = every_s
        self._backoff = Backoff(most_s=min(every_s, 5.0))
        self._count = 0
        self._never = threading.Event()

    def run_forever(self) -> None:
        """Beat for as long as the process lives."""
        while True:
            self._never.wait(self.once())

    def once(self) -> float:
        """Beat once; return the seconds until the next: sooner when this one didn't arrive."""
        self._count += 1
        try:
            answer = self._hub.send(report.heartbeat(f"beat.{self._count}", self._desk.holds()))
        except (HubAway, HubRefused, Interrupted) as cause:
            log.warning("heartbeat.failed", why=str(cause))
            return self._backoff.failed()
        self._backoff.succeeded()
        for hold in _lost(answer):
            self._recall(hold, StopReason.LOST)
        return self._desk.beat_s(self._every_s)


def _lost(answer: dict[str, Any]) -> list[tuple[str, int]]:
    lost = answer.get("lost")
    return [
        (each["task"], each["attempt"])
        for each in (lost if isinstance(lost, list) else [])
        if isinstance(each, dict)
        and isinstance(each.get("task"), str)
        and isinstance(each.get("attempt"), int)
    ]
