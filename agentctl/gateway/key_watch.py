"""Which providers can't be used: looked at when the generation changes and every few seconds, told to the hub.

So operators hear of it, and work waits, before a task meets it. Only the gateway can know. Keys
are looked at here; which providers are away is the circuits' to say.
"""

import logging
import threading
from collections.abc import Callable

from agentctl.errors import AgentctlError, ProviderUnusable
from agentctl.gateway.away_watch import AwayWatch
from agentctl.gateway.circuits import Circuits
from agentctl.gateway.hub_side import Declared, HubSide
from agentctl.model.fleet import Provider, SourceKind
from agentctl.providers.keys import KEPT_S, Keys

EVERY_S = 2.0  # a key that is put in place counts this soon; reading a small file costs nothing
COMMAND_EVERY_S = KEPT_S  # a command that failed isn't run again before

log = logging.getLogger("agentctl.gateway")


class KeyWatch:
    """Looks at every declared key. `now_s` is monotonic. One thread looks; others may hurry it."""

    def __init__(
        self,
        hub: HubSide,
        keys: Keys,
        circuits: Circuits,
        away: AwayWatch,
        *,
        now_s: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._keys = keys
        self._circuits = circuits
        self._away = away
        self._telling = threading.Lock()  # what was told last is what is true last
        self._now_s = now_s
        self._soon = threading.Event()
        self._generation = 0
        self._providers: tuple[Provider, ...] = ()
        self._unusable: dict[str, str] = {}
        self._tried_s: dict[str, float] = {}  # when a failing command ran last

    def look_soon(self) -> None:
        """Have the next look happen at once: a call has just met a missing key."""
        self._soon.set()

    def watch(self, stop: threading.Event) -> None:
        """Look every few seconds until told to stop."""
        while not stop.is_set():
            try:
                self.look()
            except AgentctlError as why:
                log.debug("the hub was not told about keys: %s", why)
            except Exception:  # the watch outlives whatever goes wrong in one look
                log.exception("the watch over keys failed; it goes on")
            self._soon.wait(EVERY_S)
            self._soon.clear()

    def look(self) -> None:
        """Look at the keys of the generation in force, and tell the hub. Raises what it answers."""
        self._check()
        found = self._told()
        if found.generation == self._generation:
            return
        if not self._generation:
            self._circuits.adopt(found.away)
        self._generation, self._providers = found.generation, found.providers
        self._away.declared(found.providers)
        self._tried_s.clear()
        self._check()
        self._told()

    def tell(self) -> None:
        """Tell the hub at once that something changed, from any thread; raises nothing."""
        try:
            self._told()
        except AgentctlError as why:
            log.debug("the hub was not told about providers: %s", why)
            self._soon.set()

    def _told(self) -> Declared:
        with self._telling:
            return self._hub.providers(self._generation, self._unusable, self._circuits.rows())

    def _check(self) -> None:
        before, found = self._unusable, dict[str, str]()
        for each in self._providers:
            why = self._why_not(each, before.get(each.name, ""))
            if why:
                found[each.name] = why
            if why and not before.get(each.name):
                log.warning("provider %s is unusable: %s", each.name, why)
        self._unusable = found

    def _why_not(self, provider: Provider, before: str) -> str:
        """Return why a provider has no key, "" when it has one or needs none."""
        source = provider.api_key
        command = source is not None and source.kind is SourceKind.COMMAND
        tried_s = self._tried_s.get(provider.name)
        if command and tried_s is not None and self._now_s() - tried_s < COMMAND_EVERY_S:
            return before
        try:
            self._keys.key(provider)
        except ProviderUnusable as why:
            self._tried_s[provider.name] = self._now_s()
            return why.why
        self._tried_s.pop(provider.name, None)
        return ""
