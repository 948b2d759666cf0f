"""The plan: for every place in the fleet, what its container lacks to be what is declared."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace

from agentctl.model.fleet import DesiredState, OnChange
from agentctl.model.instance import Container, ObservedHost, ObservedState
from agentctl.model.plan import Cause, Plan
from agentctl.reconcile.births import Born, declared_births
from agentctl.reconcile.causes import drift
from agentctl.reconcile.deferring import not_deferred
from agentctl.reconcile.demand import Demand
from agentctl.reconcile.ephemeral import is_ephemeral, plan_agent
from agentctl.reconcile.quarantined import plan_quarantined
from agentctl.reconcile.sketch import (
    ABSENT,
    DRAINED,
    SECOND,
    UNDECLARED,
    UNRECORDED,
    Circumstances,
    Sketch,
    broken,
    create,
    drain,
    remove,
)
from agentctl.reconcile.slots import Slot, by_slot, slot_of


def plan(
    desired: DesiredState,
    observed: ObservedState,
    *,
    digest: str,
    installation: str,
    work: Mapping[str, str] | None = None,
    draining: Set[str] = frozenset(),
    known: Set[str] | None = None,
    condemned: Set[str] = frozenset(),
    past: Mapping[str, Born] | None = None,
    prune: bool = False,
    demand: Demand | None = None,
    quarantined: Set[str] = frozenset(),
    waiting: Mapping[str, str] | None = None,
) -> Plan:
    """Return the actions that turn what is observed into what is desired.

    `work` maps an instance to the task it holds, `waiting` to one that is queued and that it may be
    given; `draining` are instances that get
    no more; `known` are those with a live record at the hub (None: the hub wasn't asked);
    `condemned` are ids of containers without one that may go. `past` are births that
    the caller remembers, for naming what changed. Containers of another installation
    are neither touched nor named. An unreachable host gets a note and no action.

    `demand` is the work of ephemeral agents; without it (None: the hub wasn't asked) none of
    their containers is made, and none goes for having had its use. Of agents that are
    `quarantined` what runs is stopped, and all else stays as it is.

    Source: docs/decisions/0008-converging.md.
    """
    circumstances = Circumstances(
        installation=installation,
        work=work or {},
        draining=draining,
        known=known,
        condemned=condemned,
        past=past or {},
        prune=prune,
        demand=demand,
        quarantined=quarantined,
        waiting=waiting or {},
        levels=desired.routing.levels,
    )
    sketch = Sketch()
    declared = _declared(desired)
    pruned = {each.name for each in desired.hosts if each.prune}
    for name in _host_names(desired, observed):
        host = observed.host(name)
        if host is None or not host.reachable:
            why = f"unreachable: {host.error}" if host else "not looked at"
            sketch.notes.append(f"{name}: {why}; nothing is planned there")
            continue
        here = replace(circumstances, prune=prune or name in pruned)
        agents = declared.get(name, {})
        plan_quarantined(host, agents, here, sketch)
        _plan_host(host, agents, here, sketch)
    reachable = {each.name: each for each in observed.hosts if each.reachable}
    for name, births in _ephemeral(desired).items():
        if name in quarantined:
            continue
        plan_agent(name, births, reachable, circumstances, sketch)
    order = {name: at for at, name in enumerate(_host_names(desired, observed))}
    return Plan(
        digest=digest,
        actions=tuple(sorted(sketch.actions, key=lambda each: order[each.host])),
        unchanged=sketch.unchanged,
        deferred=sketch.deferred,
        notes=tuple(sketch.notes),
    )


def _ephemeral(desired: DesiredState) -> dict[str, list[Born]]:
    """Return the ephemeral agents, each with its births on its hosts."""
    agents: dict[str, list[Born]] = {}
    for born in declared_births(desired):
        if is_ephemeral(born):
            agents.setdefault(born.spec.name, []).append(born)
    return agents


def _declared(desired: DesiredState) -> dict[str, dict[str, Born]]:
    hosts: dict[str, dict[str, Born]] = {}
    for born in declared_births(desired):
        hosts.setdefault(born.spec.host, {})[born.spec.name] = born
    return hosts


def _host_names(desired: DesiredState, observed: ObservedState) -> Iterator[str]:
    """Yield the declared hosts, then those that were only observed."""
    yield from dict.fromkeys(
        [*(each.name for each in desired.hosts), *(each.name for each in observed.hosts)]
    )


def _plan_host(
    host: ObservedHost, agents: Mapping[str, Born], known: Circumstances, sketch: Sketch
) -> None:
    single_use = {name for name, born in agents.items() if is_ephemeral(born)} | known.quarantined
    ours = [
        each
        for each in host.containers
        if each.installation == known.installation and each.agent not in single_use
    ]
    held = by_slot(ours)
    slots = {
        Slot(host=host.name, agent=name, replica=replica): born
        for name, born in agents.items()
        if name not in single_use
        for replica in range(born.spec.replicas)
    }
    for slot in sorted(held.keys() - slots.keys()):
        for container in held[slot]:
            _plan_surplus(container, agents.get(slot.agent), known, sketch)
    for slot, born in slots.items():
        first, *rivals = held.get(slot, [None])
        for rival in rivals:
            assert rival is not None
            _plan_end(rival, (SECOND,), born, known, sketch)
        if first is None:
            sketch.actions.append(create(slot, born, (ABSENT,)))
        elif not rivals:  # else its own turn comes when it is alone: never two live in one place
            _plan_slot(first, born, known, sketch)


def _plan_surplus(
    container: Container, born: Born | None, known: Circumstances, sketch: Sketch
) -> None:
    """A container in a place that isn't declared: fewer replicas go, the rest only when pruned.

    An ephemeral one that has had its use goes in any case: it keeps nothing.
    """
    spent = known.demand.spent.get(container.instance) if known.demand else None
    if born is not None:
        lowered = Cause(what=f"replicas lowered to {born.spec.replicas}")
        _plan_end(container, (lowered,), born, known, sketch)
    elif known.prune:
        _plan_end(container, (UNDECLARED,), None, known, sketch)
    elif container.id in known.condemned:
        _plan_end(container, (UNRECORDED,), None, known, sketch)
    elif spent:
        _plan_end(container, (Cause(what=spent),), None, known, sketch)
    else:
        sketch.notes.append(
            f"{slot_of(container)}: no longer declared: it gets no work; remove it with --prune"
        )


def _plan_end(
    container: Container,
    causes: tuple[Cause, ...],
    born: Born | None,
    known: Circumstances,
    sketch: Sketch,
) -> None:
    task = known.task_of(container)
    on_change = born.spec.on_change if born else OnChange.DRAIN
    if task and on_change is not OnChange.IMMEDIATE:
        sketch.actions.append(drain(container, task, causes, removes=True))
    else:
        sketch.actions.append(remove(container, causes, born, known))


def _plan_slot(container: Container, born: Born, known: Circumstances, sketch: Sketch) -> None:
    causes = _causes(container, born, known)
    if not causes:
        sketch.unchanged += 1
        if known.unrecorded(container):
            sketch.notes.append(
                f"{slot_of(container)}: the hub has no live record of it;"
                " it is replaced when the next scans agree"
            )
        return
    if _defers(container, born, known):
        _plan_deferred(container, born, causes, known, sketch)
    else:
        _plan_replacement(container, born, causes, known, sketch)


def _defers(container: Container, born: Born, known: Circumstances) -> bool:
    """Whether a container that isn't as declared may go on: it serves, and takes work."""
    serves = container.instance not in known.draining and not broken(container, known)
    return born.spec.on_change is OnChange.DEFER and serves


def _plan_deferred(
    container: Container,
    born: Born,
    causes: tuple[Cause, ...],
    known: Circumstances,
    sketch: Sketch,
) -> None:
    """It goes on as it was born until it is idle of its own accord; what narrows drains instead."""
    why_not = not_deferred(known.past.get(container.spec), born, known.levels)
    busy = known.busy_with(container)
    if why_not and busy:
        sketch.notes.append(f"{slot_of(container)}: not deferred, it drains: {why_not}")
    if why_not or not busy:
        _plan_replacement(container, born, causes, known, sketch, only_idle=not why_not)
        return
    sketch.deferred += 1
    what = ", ".join(str(each) for each in causes)
    sketch.notes.append(f"{slot_of(container)}: deferred until {busy} ({what})")


def _plan_replacement(
    container: Container,
    born: Born,
    causes: tuple[Cause, ...],
    known: Circumstances,
    sketch: Sketch,
    *,
    only_idle: bool = False,
) -> None:
    """At once where nothing runs in it or that may be interrupted, else when its task has ended."""
    task = known.task_of(container)
    if task and born.spec.on_change is not OnChange.IMMEDIATE:
        sketch.actions.append(drain(container, task, causes))
        return
    sketch.actions.append(remove(container, causes, born, known, only_idle=only_idle))
    sketch.actions.append(create(slot_of(container), born, causes, replaces=container.id))


def _causes(container: Container, born: Born, known: Circumstances) -> tuple[Cause, ...]:
    """Return why the container in its place must be replaced; empty when it is what is declared."""
    found = broken(container, known)
    if found:
        return found
    drifted = drift(container.spec, born, known.past)
    if drifted:
        return drifted
    return (DRAINED,) if container.instance in known.draining else ()
