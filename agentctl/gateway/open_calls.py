"""The calls under way, and the watcher that ends those whose attempt or client is gone."""

import logging
import threading
from collections.abc import Callable, Sequence

from agentctl.errors import AgentctlError, Unavailable
from agentctl.gateway.hub_side import Granted, HubSide, Wanted
from agentctl.model.fleet import Provider
from agentctl.providers.exchange import Exchange

WATCH_S = 1.0
# A hub that is away can't supersede an attempt either (expiry is an event that it writes), so
# streams go on; but not for longer than any restart takes: it may be away from us alone.
UNCONFIRMED_S_MAX = 60.0
SILENT_S = 30.0  # a model may think or load for minutes, but its server answers a probe meanwhile

log = logging.getLogger("agentctl.gateway")


class OpenCall:
    """One call under way: what was wanted and granted, the exchange to cut, whether its client is there."""

    def __init__(
        self, wanted: Wanted, granted: Granted, exchange: Exchange, *, gone: Callable[[], bool]
    ) -> None:
        self.wanted = wanted
        self.granted = granted
        self.exchange = exchange
        self.gone = gone
        self.confirmed_at_s = 0.0
        self.heard_s = 0.0  # when it was asked, or its provider said something last


class OpenCalls:
    """All calls under way, and one `watch` over them; `now_s` is monotonic."""

    def __init__(self, hub: HubSide, *, now_s: Callable[[], float]) -> None:
        self._hub = hub
        self._now_s = now_s
        self._calls: set[OpenCall] = set()
        self._lock = threading.Lock()
        self._hub_away = False

    def add(self, call: OpenCall) -> None:
        """Watch over a call from now on; the hub has just granted it."""
        call.confirmed_at_s = call.heard_s = self._now_s()
        with self._lock:
            self._calls.add(call)

    def heard(self, call: OpenCall) -> None:
        """Take note that its provider said something."""
        call.heard_s = self._now_s()

    def silent(self) -> tuple[Provider, ...]:
        """Return the providers of calls that nothing was heard of for SILENT_S: one may hang."""
        with self._lock:
            calls = tuple(self._calls)
        before_s = self._now_s() - SILENT_S
        late = (each.granted.provider for each in calls if each.heard_s <= before_s)
        return tuple({each.name: each for each in late}.values())

    def remove(self, call: OpenCall) -> None:
        """Watch over it no more; it has ended."""
        with self._lock:
            self._calls.discard(call)

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
            calls = sorted(self._calls, key=lambda call: call.granted.call)
        left = [call for call in calls if not _ended(call)]
        if not left:
            return
        try:
            current = self._hub.current([call.granted.call for call in left])
        except AgentctlError as why:
            self._unconfirmed(left, why)
            return
        self._hub_away = False
        for call in left:
            if call.granted.call in current:
                call.confirmed_at_s = self._now_s()
            else:
                self._ask_again(call)

    def _ask_again(self, call: OpenCall) -> None:
        """End a call that isn't current, unless the hub grants it anew: one that restarted knew it no more."""
        try:
            call.granted = self._hub.admit_now(call.wanted)
        except Unavailable as why:
            self._unconfirmed([call], why)
        except AgentctlError:
            call.exchange.cut(_superseded(call.granted))
        else:
            call.confirmed_at_s = self._now_s()

    def cut_all(self, reason: str) -> None:
        """End every call, say at shutdown."""
        with self._lock:
            calls = tuple(self._calls)
        for call in calls:
            call.exchange.cut(reason)

    def _unconfirmed(self, calls: Sequence[OpenCall], why: AgentctlError) -> None:
        if not self._hub_away:
            log.warning("%d model calls go on without the hub's word: %s", len(calls), why)
        self._hub_away = True
        for call in calls:
            if self._now_s() - call.confirmed_at_s > UNCONFIRMED_S_MAX:
                call.exchange.cut("the hub is away, so nobody can say whether this is still wanted")


def _ended(call: OpenCall) -> bool:
    """Whether a call's client is gone; then it is ended."""
    if not call.gone():
        return False
    call.exchange.cut("the client is gone")
    return True


def _superseded(granted: Granted) -> str:
    return f"attempt {granted.attempt} of {granted.task} is no longer current"
