"""The long poll that keeps the newest generation in hand and wakes the next pass."""

import logging
import threading
from collections.abc import Callable

from agentctl.errors import AgentctlError
from agentctl.loops.checks import HubHealth
from agentctl.loops.hub_side import Applied, HubSide

log = logging.getLogger(__name__)

WAIT_S = 20.0
RETRY_S = 1.0
WAKES_APART_S = 0.1  # every submit wakes the poll; nobody needs more passes than this


class Watch(threading.Thread):
    """Asks the hub what is desired, over and over, until `stop` is set.

    A daemon: a poll that hangs in the hub doesn't hold up the end of the process.
    """

    def __init__(
        self,
        hub: HubSide,
        *,
        after: Callable[[], int],
        take: Callable[[Applied], None],
        health: HubHealth,
        wake: threading.Event,
        stop: threading.Event,
        retry_s: float = RETRY_S,
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self._hub = hub
        self._after = after
        self._take = take
        self._health = health
        self._wake = wake
        self._stopped = stop
        self._retry_s = retry_s

    def run(self) -> None:
        wakes = -1
        while not self._stopped.is_set():
            try:
                applied = self._hub.desired(after=self._after(), wait_s=WAIT_S, wakes=wakes)
            except AgentctlError as why:
                self._health.saw(str(why))
                self._stopped.wait(self._retry_s)
                continue
            except Exception:
                log.exception("what the hub desires can't be read")
                self._stopped.wait(self._retry_s)
                continue
            self._health.saw("")
            wakes = applied.wakes
            self._take(applied)
            self._wake.set()
            self._stopped.wait(WAKES_APART_S)
