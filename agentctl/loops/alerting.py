"""The reconciler's part in alerts: its own checks, the hub's absence, and telling the sinks."""

import logging
import threading
from typing import Any

from agentctl.errors import AgentctlError, Unavailable
from agentctl.loops.converge import Reconciler
from agentctl.loops.hub_side import Applied, HubSide
from agentctl.loops.telling import Telling
from agentctl.model.alert import Origin, Severity
from agentctl.model.fleet import Monitoring
from agentctl.model.ports import Clock
from agentctl.monitor.engine_checks import check
from agentctl.monitor.silence import Silence, Turn, heard

log = logging.getLogger(__name__)

EVERY_S = 5.0


class Alerting:
    """Posts findings to the hub and passes on what the hub has for the sinks. Threads may share it."""

    def __init__(
        self, *, hub: HubSide, reconciler: Reconciler, telling: Telling, clock: Clock
    ) -> None:
        self._hub = hub
        self._reconciler = reconciler
        self._telling = telling
        self._clock = clock
        self._lock = threading.Lock()
        self._silence = Silence()
        self._gone_at_s = 0.0
        self._limit_s = Monitoring().hub_silent_s

    def take(self, applied: Applied) -> None:
        """Use the sinks and limits of a newly applied generation."""
        if applied.desired is not None:
            monitoring = applied.desired.monitoring
            self._limit_s = monitoring.hub_silent_s
            self._telling.use(
                monitoring.alerts,
                fleet=applied.desired.fleet,
                installation=applied.installation,
            )

    def check(self) -> None:
        """Look at the engines' last picture, tell the hub, and take what it has for the sinks."""
        snapshot = self._reconciler.engine_snapshot()
        try:
            rows = self._hub.alerts(check(snapshot), told=self._telling.told)
        except Unavailable:
            return  # the hub's absence has a check of its own
        except AgentctlError as why:
            log.warning("the findings were not reported: %s", why)
            return
        self._telling.tell(rows)

    def heard(self, trouble: str) -> None:
        """Take note of an answer of the hub ("") or a failure; a long silence goes to the sinks."""
        with self._lock:
            if trouble and self._silence.since_s is None:
                self._gone_at_s = self._clock.wall_s()
            self._silence, turn = heard(
                self._silence, trouble, now_s=self._clock.boot_s(), limit_s=self._limit_s
            )
        if turn is not None:
            self._telling.tell_apart(self._row(turn, trouble))

    def _row(self, turn: Turn, trouble: str) -> dict[str, Any]:
        now_s = self._clock.wall_s()
        gone = turn is Turn.GONE
        return {
            "check": "hub",
            "subject": "",
            "severity": Severity.CRITICAL.value,
            "state": "firing" if gone else "resolved",
            "words": f"the hub does not answer: {trouble}" if gone else "the hub answers again",
            "first_s": self._gone_at_s,
            "since_s": self._gone_at_s if gone else now_s,
            "last_s": now_s,
            "count": 1,
            "origin": Origin.RECONCILER.value,
        }
