"""The circuits of all providers and agents, kept while calls and probes come and go. Threads share it.

What an event does to a circuit is `agentctl.monitor.circuit`'s to say; here is who it concerns,
and which attempts are told to stop trying.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from agentctl.model.away import Away, Cause
from agentctl.model.fleet import Provider
from agentctl.monitor import circuit_calls, circuit_probes
from agentctl.monitor.circuit import CLOSED, Circuit, State, Trouble, after_time, opened
from agentctl.monitor.circuit import Event as CircuitEvent

# How long a running attempt's calls wait for a provider that can't be reached: a local server
# restarts in less. What lasts longer ends the attempt, and its task waits outside a container.
RIDE_S = 10.0
ATTEMPTS_KEPT_MAX = 10_000  # with failures in a row, or told to stop: more than can run at once
AT_ONCE = frozenset({Cause.KEY, Cause.QUOTA})  # no wait of seconds mends these


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose call it is: an attempt of a task, of an agent, to its provider."""

    provider: str
    agent: str
    task: str
    attempt: int

    @property
    def lease(self) -> tuple[str, int]:
        return self.task, self.attempt


class Circuits:
    """All circuits. `now_s` is monotonic, `wall_s` for people; `changed` hears of news, from any thread."""

    def __init__(
        self,
        *,
        now_s: Callable[[], float],
        wall_s: Callable[[], float],
        ride_s: float = RIDE_S,
    ) -> None:
        self.ride_s = ride_s
        self.changed: Callable[[], None] = lambda: None
        self._now_s = now_s
        self._wall_s = wall_s
        self._lock = threading.Lock()
        self._declared: dict[str, Provider] = {}
        self._circuits: dict[tuple[str, str], Circuit] = {}  # agent "": the provider's own
        self._runs: OrderedDict[tuple[str, int], tuple[int, float]] = OrderedDict()
        self._stopped: OrderedDict[tuple[str, int], None] = OrderedDict()

    def declared(self, providers: Iterable[Provider]) -> None:
        """Forget what was found of providers that are gone, or are declared otherwise now."""
        now = {each.name: each for each in providers}
        with self._lock:
            same = {name for name, each in now.items() if self._declared.get(name, each) == each}
            self._circuits = {key: each for key, each in self._circuits.items() if key[0] in same}
            self._declared = now

    def adopt(self, rows: Iterable[Away]) -> None:
        """Take up what the hub still holds work for: this gateway has just started, and knows nothing."""
        with self._lock:
            for each in rows:
                self._circuits[each.key] = self._from_row(each)

    def probed(self, name: str, trouble: Trouble | None) -> None:
        """Take what a probe of a provider came to."""
        now_s = self._now_s()
        self._move(
            (name, ""), lambda circuit: circuit_probes.after_probe(circuit, trouble, now_s=now_s)
        )

    def answered(self, caller: Caller, *, began_s: float) -> None:
        """Take note of a call that a provider answered: it is there, and it serves this agent."""
        with self._lock:
            self._runs.pop(caller.lease, None)
        for agent in ("", caller.agent):
            self._move(
                (caller.provider, agent),
                lambda each: circuit_calls.after_good(each, began_s=began_s),
            )

    def failed(self, caller: Caller, trouble: Trouble) -> Away | None:
        """Take note of a call that the provider failed; return why its attempt is to stop, if it is."""
        now_s, key = self._now_s(), (caller.provider, caller.agent)
        if caller.lease in self._stopped:
            return self.refusal(caller)
        self._move(key, lambda each: circuit_calls.after_bad(each, trouble, now_s=now_s))
        with self._lock:
            count, since_s = self._runs.pop(caller.lease, (0, now_s))
            _keep(self._runs, caller.lease, (count + 1, since_s))
            over = circuit_calls.gives_up(count + 1, since_s, now_s=now_s)
            if over and self._at(key).state is State.OPEN:
                _keep(self._stopped, caller.lease, None)
        return self.refusal(caller)

    def refusal(self, caller: Caller, *, waited: bool = False) -> Away | None:
        """Return why a call isn't to be made, or not made again, now; None where it may.

        `waited` says that it has waited for as long as calls do.
        """
        with self._lock:
            return self._refusal(caller, waited=waited)

    def _refusal(self, caller: Caller, *, waited: bool) -> Away | None:
        whole, own = (caller.provider, ""), (caller.provider, caller.agent)
        circuit = self._at(whole)
        if circuit.state is State.OPEN and circuit.trouble is not None:
            long = self._now_s() - circuit.since_s >= self.ride_s
            if waited or long or circuit.trouble.cause in AT_ONCE:
                return self._row(whole, circuit)
        circuit = self._at(own)
        stopped = caller.lease in self._stopped
        if stopped and circuit.trouble is None:  # its provider is well again: the next attempt is
            why = f"provider {caller.provider} failed this attempt's calls"
            return Away(provider=own[0], agent=own[1], cause=Cause.FAILING, why=why)
        quota = circuit.trouble is not None and circuit.trouble.cause is Cause.QUOTA
        if stopped or (quota and circuit.state is State.OPEN):
            return self._row(own, circuit)
        return None

    def tick(self) -> None:
        """Let rests and trials end whose time is over."""
        now_s = self._now_s()
        for key in self._keys():
            self._move(key, lambda each: after_time(each, now_s=now_s))

    def own(self, name: str) -> Circuit:
        """Return a provider's own circuit."""
        with self._lock:
            return self._at((name, ""))

    def rows(self) -> tuple[Away, ...]:
        """Return what keeps work waiting now."""
        with self._lock:
            return self._rows()

    def _rows(self) -> tuple[Away, ...]:
        return tuple(
            self._row(key, each)
            for key, each in sorted(self._circuits.items())
            if each.state is not State.CLOSED
        )

    def _row(self, key: tuple[str, str], circuit: Circuit) -> Away:
        trouble = circuit.trouble
        assert trouble is not None, "what isn't closed has a reason"
        until_s = None
        if trouble.until_s is not None:
            until_s = round(self._wall_s() + trouble.until_s - self._now_s())
        # half-open, a provider's own circuit waits for one more probe: nobody's task is the trial
        trial = circuit.state is State.HALF_OPEN and bool(key[1])
        return Away(
            provider=key[0],
            agent=key[1],
            cause=trouble.cause,
            why=trouble.why,
            trial=trial,
            until_s=until_s,
        )

    def _from_row(self, row: Away) -> Circuit:
        now_s = self._now_s()
        until_s = None
        if row.until_s is not None:
            until_s = now_s + max(0.0, row.until_s - self._wall_s())
        elif row.agent:
            until_s = now_s  # what is left of its rest isn't known: it is tried
        trouble = Trouble(cause=row.cause, why=row.why, until_s=until_s if row.until_s else None)
        return opened(CLOSED, CircuitEvent.TRIPPED, trouble, now_s=now_s, until_s=until_s)

    def _at(self, key: tuple[str, str]) -> Circuit:
        return self._circuits.get(key, CLOSED)

    def _keys(self) -> list[tuple[str, str]]:
        with self._lock:
            return list(self._circuits)

    def _move(self, key: tuple[str, str], step: Callable[[Circuit], Circuit]) -> None:
        with self._lock:
            before = self._at(key)
            after = step(before)
            if after.idle:
                self._circuits.pop(key, None)
            else:
                self._circuits[key] = after
        if before.state is not after.state:
            self.changed()


def _keep(kept: "OrderedDict[tuple[str, int], Any]", key: tuple[str, int], value: object) -> None:
    """Keep one more, the oldest going where there are too many."""
    kept[key] = value
    while len(kept) > ATTEMPTS_KEPT_MAX:
        kept.popitem(last=False)
