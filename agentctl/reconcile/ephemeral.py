"""Ephemeral agents in a plan: a container for each task that wants one, some kept warm, all used once.

Source: docs/decisions/0011-ephemeral-agents.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentctl.model.fleet import Lifecycle, OnChange
from agentctl.model.instance import Container, ObservedHost
from agentctl.model.plan import Cause, Remove
from agentctl.reconcile.births import Born
from agentctl.reconcile.causes import drift
from agentctl.reconcile.demand import Demand, Wanted
from agentctl.reconcile.sketch import (
    DRAINED,
    SECOND,
    Circumstances,
    Sketch,
    broken,
    create,
    remove,
)
from agentctl.reconcile.slots import Slot, by_slot, slot_of

SPENT_GRACE_S = 2.0  # the work is settled or lost: nothing inside is waited for
WARM = Cause(what="kept warm")


def is_ephemeral(born: Born) -> bool:
    """Whether containers of it are made for tasks, not for places."""
    return born.spec.lifecycle is Lifecycle.EPHEMERAL


@dataclass(slots=True)
class _Site:
    """One host of an agent: which replicas are taken, and how many warm ones stay."""

    born: Born
    order: int
    taken: set[int] = field(default_factory=set)
    there: int = 0  # containers, those that are going included: the limit holds at every instant
    free: int = 0

    @property
    def room(self) -> int:
        return self.born.spec.replicas - self.there

    def next_slot(self) -> Slot:
        """Take the lowest replica that nothing holds; there is one while there is room."""
        replica = next(each for each in range(self.born.spec.replicas) if each not in self.taken)
        self.taken.add(replica)
        self.there += 1
        return Slot(host=self.born.spec.host, agent=self.born.spec.name, replica=replica)


def plan_agent(
    name: str,
    births: Sequence[Born],
    hosts: Mapping[str, ObservedHost],
    known: Circumstances,
    sketch: Sketch,
) -> None:
    """Plan one ephemeral agent on all its hosts; an unreachable host gets nothing and loses nothing."""
    demand = known.demand
    wanted = [each for each in demand.wanted if each.agent == name] if demand else []
    if demand is not None and demand.only_told:
        known = replace(known, demand=None)
    sites = [
        _look(born, order, hosts[born.spec.host], known, sketch)
        for order, born in enumerate(births)
        if born.spec.host in hosts
    ]
    if known.demand is not None:
        _serve(wanted, sites, known.demand, sketch)
        for site in sites:
            for _ in range(min(site.born.spec.warm - site.free, site.room)):
                sketch.actions.append(create(site.next_slot(), site.born, (WARM,)))
    sketch.notes.append(_line(name, births, wanted if demand else None))


def _look(
    born: Born, order: int, host: ObservedHost, known: Circumstances, sketch: Sketch
) -> _Site:
    """Return how the agent stands on one host; what has had its use there is planned to go."""
    site = _Site(born=born, order=order)
    mine = [
        each
        for each in host.containers
        if each.installation == known.installation and each.agent == born.spec.name
    ]
    for rivals in by_slot(mine).values():
        for at, container in enumerate(rivals):
            site.taken.add(container.replica)
            site.there += 1
            causes = _causes(container, site, known, second=at > 0)
            if causes:
                sketch.actions.append(_end(container, causes, born, known))
            else:
                sketch.unchanged += 1
                _note_unrecorded(container, known, sketch)
    return site


def _causes(
    container: Container, site: _Site, known: Circumstances, *, second: bool
) -> tuple[Cause, ...]:
    """Return why a container goes now. One that works is left to its end: it gets no second task."""
    found = broken(container, known)
    if found:
        return found
    drifted = drift(container.spec, site.born, known.past)
    if known.task_of(container):
        return drifted if site.born.spec.on_change is OnChange.IMMEDIATE else ()
    demand = known.demand or Demand()
    if container.instance in demand.spent:
        return (Cause(what=demand.spent[container.instance]),)
    if drifted:
        return drifted
    if second:
        return (SECOND,)
    if container.instance in known.draining:
        return (DRAINED,)
    if container.replica >= site.born.spec.replicas:
        return (Cause(what=f"replicas lowered to {site.born.spec.replicas}"),)
    return _surplus(site) if container.instance in demand.free else ()


def _surplus(site: _Site) -> tuple[Cause, ...]:
    if site.free >= site.born.spec.warm:
        return (Cause(what=f"only {site.born.spec.warm} are kept warm"),)
    site.free += 1
    return ()


def _end(
    container: Container, causes: tuple[Cause, ...], born: Born, known: Circumstances
) -> Remove:
    ended = remove(container, causes, born, known)
    over = known.demand is not None and container.instance in known.demand.spent
    return replace(ended, grace_s=min(ended.grace_s, SPENT_GRACE_S)) if over else ended


def _note_unrecorded(container: Container, known: Circumstances, sketch: Sketch) -> None:
    if known.unrecorded(container):
        sketch.notes.append(
            f"{slot_of(container)}: the hub has no live record of it;"
            " it goes when the next scans agree"
        )


def _serve(wanted: list[Wanted], sites: list[_Site], demand: Demand, sketch: Sketch) -> None:
    """Give each task a container where most room is left, while there is any."""
    for each in wanted:
        open_sites = [site for site in sites if site.room > 0]
        if not open_sites:
            return
        site = min(open_sites, key=lambda one: _preference(one, demand))
        cause = Cause(what=f"wanted by {each.task}")
        sketch.actions.append(create(site.next_slot(), site.born, (cause,), task=each.task))


def _preference(site: _Site, demand: Demand) -> tuple[bool, int, int]:
    spec = site.born.spec
    return ((spec.host, spec.name) in demand.resting, -site.room, site.order)


def _line(name: str, births: Sequence[Born], wanted: list[Wanted] | None) -> str:
    limit = sum(each.spec.replicas for each in births)
    warm = sum(each.spec.warm for each in births)
    now = "how many are wanted is unknown" if wanted is None else f"{len(wanted)} wanted now"
    return f"{name}: ephemeral: up to {limit}, {warm} warm; {now}"
