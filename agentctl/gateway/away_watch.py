"""Probes providers that are thought away, until they answer again. Only what is suspected is asked."""

import logging
import threading
from collections.abc import Callable, Iterable

from agentctl.gateway.circuits import Circuits
from agentctl.model.away import Cause
from agentctl.model.fleet import Provider
from agentctl.monitor.circuit import Circuit, State, Trouble

TICK_S = 1.0
SUSPECT_S = (
    1.0  # between two probes of one that is suspected: an agent's failing calls cost no more
)
SILENT_EVERY_S = 30.0  # between two probes of one whose calls wait: most only take their time
AWAY_S = 2.0  # between two probes of one that is away: so soon its work goes on
LONG_AWAY_S = 60.0  # after which it is probed every LATER_S
LATER_S = 5.0
KEY_S = 15.0  # a key that was refused: some count such tries, and a person has to act first

log = logging.getLogger("agentctl.gateway")

Probe = Callable[[Provider], Trouble | None]


class AwayWatch:
    """Keeps the providers' own circuits. `now_s` is monotonic; `probe` takes up to some seconds.

    `silent` are the providers of calls that have waited long for a word.
    """

    def __init__(
        self,
        circuits: Circuits,
        probe: Probe,
        *,
        now_s: Callable[[], float],
        silent: Callable[[], Iterable[Provider]] = tuple,
    ) -> None:
        self._silent = silent
        self._circuits = circuits
        self._probe = probe
        self._now_s = now_s
        self._soon = threading.Event()
        self._lock = threading.Lock()
        self._providers: dict[str, Provider] = {}
        self._suspected: set[str] = set()
        self._probed_s: dict[str, float] = {}
        self._turns: dict[str, threading.Lock] = {}

    def declared(self, providers: tuple[Provider, ...]) -> None:
        """Watch over these from now on."""
        with self._lock:
            self._providers = {each.name: each for each in providers}
            self._probed_s = {
                name: at_s for name, at_s in self._probed_s.items() if name in self._providers
            }
        self._circuits.declared(providers)
        self._soon.set()

    def suspect(self, provider: Provider) -> None:
        """Have a provider probed soon: a call to it has failed."""
        self._suspect(provider)
        self._soon.set()

    def _suspect(self, provider: Provider) -> None:
        with self._lock:
            self._providers[provider.name] = provider  # as the hub has just said it is
            self._suspected.add(provider.name)

    def confirm(self, provider: Provider) -> None:
        """Probe a provider now, until it is clear whether it is away, unless that was just done."""
        with self._lock:
            self._providers[provider.name] = provider
        with self._turn(provider.name):
            while self._is_due(provider.name, self._circuits.own(provider.name), at_once=True):
                self._ask(provider)

    def watch(self, stop: threading.Event) -> None:
        """Look every second until told to stop."""
        while not stop.is_set():
            try:
                self.look()
            except Exception:  # the watch outlives whatever goes wrong in one look
                log.exception("the watch over providers failed; it goes on")
            self._soon.wait(TICK_S)
            self._soon.clear()

    def look(self) -> None:
        """Let time pass, and begin the probes that are due: each in a thread, for one may take seconds."""
        self._circuits.tick()
        for provider in self._silent():
            if self._since_s(provider.name) >= SILENT_EVERY_S:
                self._suspect(provider)
        for provider in self._due():
            threading.Thread(
                target=self._turned, args=(provider,), name=f"probe-{provider.name}", daemon=True
            ).start()

    def _due(self) -> list[Provider]:
        with self._lock:
            providers = list(self._providers.values())
        return [
            each
            for each in providers
            if self._is_due(each.name, self._circuits.own(each.name))
            and not self._turn(each.name).locked()
        ]

    def _is_due(self, name: str, circuit: Circuit, *, at_once: bool = False) -> bool:
        since_s = self._since_s(name)
        if circuit.state is State.CLOSED:
            wanted = at_once or name in self._suspected
            return circuit.run > 0 or (wanted and since_s >= SUSPECT_S)
        return not at_once and since_s >= _every_s(circuit, now_s=self._now_s())

    def _since_s(self, name: str) -> float:
        return self._now_s() - self._probed_s.get(name, float("-inf"))

    def _turn(self, name: str) -> threading.Lock:
        with self._lock:
            return self._turns.setdefault(name, threading.Lock())

    def _turned(self, provider: Provider) -> None:
        if self._turn(provider.name).acquire(blocking=False):
            try:
                self._ask(provider)
            except Exception:
                log.exception("the probe of provider %s failed", provider.name)
            finally:
                self._turn(provider.name).release()

    def _ask(self, provider: Provider) -> None:
        """Probe a provider; whoever calls has its turn."""
        with self._lock:
            self._suspected.discard(provider.name)
            self._probed_s[provider.name] = self._now_s()
        before = self._circuits.own(provider.name).state
        trouble = self._probe(provider)
        self._circuits.probed(provider.name, trouble)
        after = self._circuits.own(provider.name)
        if after.state is not before and State.HALF_OPEN is not after.state:
            _say(provider.name, after)


def _every_s(circuit: Circuit, *, now_s: float) -> float:
    """Return how long after one probe the next is due of a provider that isn't well."""
    if circuit.state is State.HALF_OPEN:
        return AWAY_S
    if circuit.trouble is not None and circuit.trouble.cause is Cause.KEY:
        return KEY_S
    return AWAY_S if now_s - circuit.since_s < LONG_AWAY_S else LATER_S


def _say(name: str, circuit: Circuit) -> None:
    if circuit.trouble is not None:
        log.warning("provider %s is away: %s", name, circuit.trouble.why)
    elif circuit.state is State.CLOSED:
        log.info("provider %s is there again", name)
