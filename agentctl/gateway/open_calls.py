"""The calls under way, and the watcher that ends those whose attempt or client is gone."""

import logging
import threading
from collections.abc import Callable

from agentctl.errors import AgentctlError
from agentctl.gateway.hub_side import Granted, HubSide
from agentctl.providers.exchange import Exchange

WATCH_S = 1.0
# A hub that is away can't supersede an attempt either (expiry is an event that it writes), so
# streams go on; but not for longer than any restart takes: it may be away from us alone.
UNCONFIRMED_S_MAX = 60.0

log = logging.getLogger("agentctl.gateway")


class OpenCall:
    """One call under way: what was granted, the exchange to cut, whether its client is there."""

    def __init__(
        self, granted: Granted, exchange: Exchange, *, gone: Callable[[], bool], now_s: float
    ) -> None:
        self.granted = granted
        self.exchange = exchange
        self.gone = gone
        self.confirmed_at_s = now_s


class OpenCalls:
    """All calls under way, and one `watch` over them; `now_s` is monotonic."""

    def __init__(self, hub: HubSide, *, now_s: Callable[[], float]) -> None:
        self._hub = hub
        self._now_s = now_s
        self._calls: dict[str, OpenCall] = {}
        self._lock = threading.Lock()
        self._hub_away = False

    def add(self, granted: Granted, exchange: Exchange, *, gone: Callable[[], bool]) -> None:
        """Watch over a call from now on; the hub has just confirmed it."""
        with self._lock:
            self._calls[granted.call] = OpenCall(granted, exchange, gone=gone, now_s=self._now_s())

    def remove(self, call: str) -> None:
        """Watch over it no more; it has ended."""
        with self._lock:
            self._calls.pop(call, None)

    def __len__(self) -> int:
        return len(self._calls)

    def watch(self, stop: threading.Event) -> None:
        """Look once a second until told to stop."""
        while not stop.wait(WATCH_S):
            try:
                self.look()
                self._hub.report_unsent()
            except Exception:  # the watch outlives whatever goes wrong in one look
                log.exception("the watch over model calls failed; it goes on")

    def look(self) -> None:
        """End calls whose client is gone; ask the hub once about all others, end what isn't current."""
        with self._lock:
            calls = dict(self._calls)
        for name, call in list(calls.items()):
            if call.gone():
                call.exchange.cut("the client is gone")
                del calls[name]
        if not calls:
            return
        try:
            current = self._hub.current(tuple(calls))
        except AgentctlError as why:
            self._unconfirmed(calls, why)
            return
        self._hub_away = False
        for name, call in calls.items():
            if name in current:
                call.confirmed_at_s = self._now_s()
            else:
                call.exchange.cut(_superseded(call.granted))

    def cut_all(self, reason: str) -> None:
        """End every call, say at shutdown."""
        with self._lock:
            calls = tuple(self._calls.values())
        for call in calls:
            call.exchange.cut(reason)

    def _unconfirmed(self, calls: dict[str, OpenCall], why: AgentctlError) -> None:
        if not self._hub_away:
            log.warning("%d model calls go on without the hub's word: %s", len(calls), why)
        self._hub_away = True
        for call in calls.values():
            if self._now_s() - call.confirmed_at_s > UNCONFIRMED_S_MAX:
                call.exchange.cut("the hub is away, so nobody can say whether this is still wanted")


def _superseded(granted: Granted) -> str:
    return f"attempt {granted.attempt} of {granted.task} is no longer current"
