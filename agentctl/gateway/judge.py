"""What the end of each call says of its provider, and which calls aren't made because of it."""

from collections.abc import Callable
from typing import TypeVar

from agentctl.errors import (
    CallCut,
    ProviderAway,
    ProviderMisplaced,
    UpstreamFailed,
    UpstreamUnreached,
)
from agentctl.gateway.away_watch import AwayWatch
from agentctl.gateway.circuits import Caller, Circuits
from agentctl.gateway.hub_side import Granted
from agentctl.model.away import Away, spoken
from agentctl.monitor.circuit import Trouble
from agentctl.monitor.circuit_calls import failing

AGAIN_S = 0.5  # between two tries to connect

T = TypeVar("T")


class Judge:
    """Circuits and their watch, as a call meets them. `wait` sleeps for seconds; True: give up waiting."""

    def __init__(
        self,
        circuits: Circuits,
        watch: AwayWatch,
        *,
        now_s: Callable[[], float],
        wait: Callable[[float], bool],
    ) -> None:
        self._circuits = circuits
        self._watch = watch
        self._now_s = now_s
        self._wait = wait

    def ask(self, granted: Granted, once: Callable[[], T], left: Callable[[], bool]) -> T:
        """Return what `once` does, tried again for some seconds while no connection comes about.

        Nothing was sent then, so that no call is made twice. Ends early when `left` says that
        nobody waits any more. Raises ProviderAway, and what `once` does.
        """
        caller = caller_of(granted)
        self._refuse(self._circuits.refusal(caller))
        until_s = self._now_s() + self._circuits.ride_s
        while True:
            try:
                return once()
            except ProviderMisplaced as why:
                self._watch.confirm(granted.provider)
                self._refuse(self._circuits.refusal(caller, waited=True), why)
                raise
            except UpstreamUnreached as why:
                self._watch.suspect(granted.provider)
                waited = self._now_s() >= until_s
                self._refuse(self._circuits.refusal(caller, waited=waited), why)
                if waited or left() or self._wait(AGAIN_S):
                    raise

    def answered(self, granted: Granted, *, began_s: float) -> None:
        """Take note of a call that its provider answered in full."""
        self._circuits.answered(caller_of(granted), began_s=began_s)

    def failed(self, granted: Granted, trouble: Trouble) -> None:
        """Take note of a status that speaks against the provider; raises ProviderAway to end the attempt."""
        self._watch.suspect(granted.provider)
        self._refuse(self._circuits.failed(caller_of(granted), trouble))

    def broke(self, granted: Granted, why: UpstreamFailed) -> None:
        """Take note of a call that broke off, unless it was cut on this side; raises as `failed`."""
        if isinstance(why, CallCut | UpstreamUnreached):
            return  # of what can't be reached the probes tell
        trouble = failing(granted.provider.name, "broke a call off")
        self.failed(granted, trouble)

    def key_refused(self, granted: Granted) -> None:
        """Find out whether the provider refuses the key, or this request alone; raises as `failed`."""
        self._watch.confirm(granted.provider)
        self._refuse(self._circuits.refusal(caller_of(granted), waited=True))

    def _refuse(self, away: Away | None, cause: Exception | None = None) -> None:
        if away is None:
            return
        words = f"{spoken(away.provider, away.cause)}; the task waits until it is over"
        raise ProviderAway(words, why=away.why) from cause


def caller_of(granted: Granted) -> Caller:
    """Return whose call it is that was granted."""
    return Caller(
        provider=granted.provider.name,
        agent=granted.agent,
        task=granted.task,
        attempt=granted.attempt,
    )
