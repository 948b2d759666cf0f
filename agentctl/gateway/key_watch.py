"""Which providers have no key: looked at when the generation changes and every few seconds, told to the hub.

So operators hear of it, and work waits, before a task meets it. Only the gateway can know.
"""

import logging
import threading
from collections.abc import Callable

from agentctl.errors import AgentctlError, ProviderUnusable
from agentctl.gateway.hub_side import HubSide
from agentctl.model.fleet import Provider, SourceKind
from agentctl.providers.keys import KEPT_S, Keys

EVERY_S = 2.0  # a key that is put in place counts this soon; reading a small file costs nothing
COMMAND_EVERY_S = KEPT_S  # a command that failed isn't run again before

log = logging.getLogger("agentctl.gateway")


class KeyWatch:
    """Looks at every declared key. `now_s` is monotonic. One thread looks; others may hurry it."""

    def __init__(self, hub: HubSide, keys: Keys, *, now_s: Callable[[], float]) -> None:
        self._hub = hub
        self._keys = keys
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
        generation, providers = self._hub.providers(self._generation, self._unusable)
        if generation == self._generation:
            return
        self._generation, self._providers = generation, providers
        self._tried_s.clear()
        self._check()
        self._hub.providers(self._generation, self._unusable)

    def _check(self) -> None:
        before, self._unusable = self._unusable, {}
        for each in self._providers:
            why = self._why_not(each, before.get(each.name, ""))
            if why:
                self._unusable[each.name] = why
            if why and not before.get(each.name):
                log.warning("provider %s is unusable: %s", each.name, why)

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
