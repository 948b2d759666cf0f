"""The engines of the declared hosts: opened once, looked at together, none able to hold up the others."""

import logging
from collections.abc import Set
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Protocol

from agentctl.engine import Engine
from agentctl.errors import AgentctlError, EngineUnavailable
from agentctl.model.fleet import DesiredState, Host
from agentctl.model.instance import ObservedHost, ObservedState

log = logging.getLogger(__name__)

OBSERVE_S = 10.0  # an engine that takes longer to list its containers is as good as away
LOOKING_MAX = 16  # hosts looked at together


class Opener(Protocol):
    """Opens a host's engine for one fleet of one installation; may raise AgentctlError."""

    def __call__(self, host: Host, *, installation: str, fleet: str) -> Engine: ...


@dataclass(frozen=True, slots=True)
class _Whose:
    host: Host
    installation: str
    fleet: str


def _whose(host: Host, installation: str, fleet: str) -> _Whose:
    """Return for whom a host's engine is opened: groups and pruning are no reason to open it anew."""
    return _Whose(replace(host, groups=(), prune=False), installation, fleet)


class Engines:
    """One engine per host, kept open while it is declared."""

    def __init__(self, opener: Opener, *, observe_s: float = OBSERVE_S) -> None:
        self._opener = opener
        self._observe_s = observe_s
        self._open: dict[_Whose, Engine] = {}
        self._by_name: dict[str, Engine] = {}
        self._late: dict[str, Future[ObservedHost]] = {}
        self._pool = ThreadPoolExecutor(LOOKING_MAX, thread_name_prefix="observe")

    def observe(self, desired: DesiredState, *, installation: str) -> ObservedState:
        """Return what every declared host shows now; one that fails or is late has an `error` instead.

        What a late one shows in the end is dropped: by then it would speak of the past.
        """
        self._let_go({_whose(host, installation, desired.fleet) for host in desired.hosts})
        looks = {
            host.name: self._look(_whose(host, installation, desired.fleet))
            for host in desired.hosts
        }
        wait([each for each in looks.values() if isinstance(each, Future)], self._observe_s)
        return ObservedState(hosts=tuple(self._seen(name, look) for name, look in looks.items()))

    def of(self, name: str) -> Engine:
        """Return the engine of a host that was observed. Raises EngineUnavailable."""
        try:
            return self._by_name[name]
        except KeyError:
            raise EngineUnavailable(f"the engine of {name} was never reached") from None

    def close(self) -> None:
        """Wait for no look any more; let go of all engines."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._let_go(frozenset())

    def _let_go(self, wanted: Set[_Whose]) -> None:
        """Close the engines of hosts that are declared no more, or otherwise."""
        for whose in [each for each in self._open if each not in wanted]:
            engine = self._open.pop(whose)
            if self._by_name.get(whose.host.name) is engine:
                del self._by_name[whose.host.name]
            engine.close()

    def _look(self, whose: _Whose) -> Future[ObservedHost] | str:
        name = whose.host.name
        late = self._late.get(name)
        if late is not None and not late.done():
            return f"still no answer after {self._observe_s:g} s"
        self._late.pop(name, None)
        try:
            engine = self._engine(whose)
        except AgentctlError as why:
            return str(why)
        return self._pool.submit(engine.observe)

    def _engine(self, whose: _Whose) -> Engine:
        if whose not in self._open:
            self._open[whose] = self._opener(
                whose.host, installation=whose.installation, fleet=whose.fleet
            )
        self._by_name[whose.host.name] = self._open[whose]
        return self._open[whose]

    def _seen(self, name: str, look: Future[ObservedHost] | str) -> ObservedHost:
        if isinstance(look, str):
            return ObservedHost(name=name, error=look)
        if not look.done():
            self._late[name] = look
            return ObservedHost(name=name, error=f"no answer within {self._observe_s:g} s")
        try:
            return look.result()
        except Exception as why:
            log.exception("an engine's look failed", extra={"host": name})
            return ObservedHost(name=name, error=f"{type(why).__name__}: {why}")
