"""The plan: for every place in the fleet, what its container lacks to be what is declared."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

from agentctl.model.fleet import DesiredState, OnChange
from agentctl.model.instance import Container, ContainerState, ObservedHost, ObservedState
from agentctl.model.plan import Action, Cause, Create, Drain, Plan, Remove
from agentctl.reconcile.births import Born, declared_births
from agentctl.reconcile.causes import drift
from agentctl.reconcile.slots import Slot, by_slot, slot_of

GRACE_DEFAULT_S = 30.0  # of a container whose declaration nobody remembers

ABSENT = Cause(what="declared, but not there")
NEVER_STARTED = Cause(what="created, but never started")
UNRECORDED = Cause(what="the hub has no live record of it")
DRAINED = Cause(what="it was told to take no more work")
SECOND = Cause(what="a second container in one place")
UNDECLARED = Cause(what="no longer declared")


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
) -> Plan:
    """Return the actions that turn what is observed into what is desired.

    `work` maps an instance to the task it holds; `draining` are instances that get
    no more; `known` are those with a live record at the hub (None: the hub wasn't asked);
    `condemned` are ids of containers without one that may go. `past` are births that
    the caller remembers, for naming what changed. Containers of another installation
    are neither touched nor named. An unreachable host gets a note and no action.

    Source: docs/decisions/0008-converging.md.
    """
    circumstances = _Circumstances(
        installation=installation,
        work=work or {},
        draining=draining,
        known=known,
        condemned=condemned,
        past=past or {},
        prune=prune,
    )
    sketch = _Sketch()
    declared = _declared(desired)
    for name in _host_names(desired, observed):
        host = observed.host(name)
        if host is None or not host.reachable:
            why = f"unreachable: {host.error}" if host else "not looked at"
            sketch.notes.append(f"{name}: {why}; nothing is planned there")
            continue
        _plan_host(host, declared.get(name, {}), circumstances, sketch)
    return Plan(
        digest=digest,
        actions=tuple(sketch.actions),
        unchanged=sketch.unchanged,
        notes=tuple(sketch.notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstances:
    """What the hub adds to what the engines show."""

    installation: str
    work: Mapping[str, str]
    draining: Set[str]
    known: Set[str] | None
    condemned: Set[str]
    past: Mapping[str, Born]
    prune: bool

    def task_of(self, container: Container) -> str:
        """Return the task that a running container works on, "" when it may be stopped freely."""
        if container.state is not ContainerState.RUNNING or container.id in self.condemned:
            return ""
        return self.work.get(container.instance, "")

    def unrecorded(self, container: Container) -> bool:
        return self.known is not None and container.instance not in self.known


@dataclass(slots=True)
class _Sketch:
    """The plan while it grows."""

    actions: list[Action] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unchanged: int = 0


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
    host: ObservedHost, agents: Mapping[str, Born], known: _Circumstances, sketch: _Sketch
) -> None:
    ours = [each for each in host.containers if each.installation == known.installation]
    held = by_slot(ours)
    slots = {
        Slot(host=host.name, agent=name, replica=replica): born
        for name, born in agents.items()
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
            sketch.actions.append(_create(slot, born, (ABSENT,)))
        elif not rivals:  # else its own turn comes when it is alone: never two live in one place
            _plan_slot(first, born, known, sketch)


def _plan_surplus(
    container: Container, born: Born | None, known: _Circumstances, sketch: _Sketch
) -> None:
    """A container in a place that isn't declared: fewer replicas go, the rest only when pruned."""
    if born is not None:
        lowered = Cause(what=f"replicas lowered to {born.spec.replicas}")
        _plan_end(container, (lowered,), born, known, sketch)
    elif known.prune:
        _plan_end(container, (UNDECLARED,), None, known, sketch)
    elif container.id in known.condemned:
        _plan_end(container, (UNRECORDED,), None, known, sketch)
    else:
        sketch.notes.append(
            f"{slot_of(container)}: no longer declared: it gets no work; remove it with --prune"
        )


def _plan_end(
    container: Container,
    causes: tuple[Cause, ...],
    born: Born | None,
    known: _Circumstances,
    sketch: _Sketch,
) -> None:
    task = known.task_of(container)
    on_change = born.spec.on_change if born else OnChange.DRAIN
    if task and on_change is not OnChange.IMMEDIATE:
        sketch.actions.append(_drain(container, task, causes, removes=True))
    else:
        sketch.actions.append(_remove(container, causes, born, known))


def _plan_slot(container: Container, born: Born, known: _Circumstances, sketch: _Sketch) -> None:
    causes = _causes(container, born, known)
    if not causes:
        sketch.unchanged += 1
        if known.unrecorded(container):
            sketch.notes.append(
                f"{slot_of(container)}: the hub has no live record of it;"
                " it is replaced when the next scans agree"
            )
        return
    task = known.task_of(container)
    if task and born.spec.on_change is OnChange.DEFER:
        sketch.unchanged += 1
        what = ", ".join(str(each) for each in causes)
        sketch.notes.append(f"{slot_of(container)}: deferred until {task} ends ({what})")
    elif task and born.spec.on_change is OnChange.DRAIN:
        sketch.actions.append(_drain(container, task, causes))
    else:
        sketch.actions.append(_remove(container, causes, born, known))
        sketch.actions.append(_create(slot_of(container), born, causes, replaces=container.id))


def _causes(container: Container, born: Born, known: _Circumstances) -> tuple[Cause, ...]:
    """Return why the container in its place must be replaced; empty when it is what is declared."""
    if container.state is ContainerState.CREATED:
        return (NEVER_STARTED,)
    if container.state is ContainerState.EXITED:
        code = "" if container.exit_code is None else f" with code {container.exit_code}"
        return (Cause(what=f"exited{code}"),)
    if container.id in known.condemned:
        return (UNRECORDED,)
    drifted = drift(container.spec, born, known.past)
    if drifted:
        return drifted
    return (DRAINED,) if container.instance in known.draining else ()


def _create(slot: Slot, born: Born, causes: tuple[Cause, ...], *, replaces: str = "") -> Create:
    return Create(
        host=slot.host,
        agent=slot.agent,
        replica=slot.replica,
        spec=born.spec,
        spec_hash=born.hash,
        boundary=born.provider.boundary,
        causes=causes,
        replaces=replaces,
    )


def _remove(
    container: Container, causes: tuple[Cause, ...], born: Born | None, known: _Circumstances
) -> Remove:
    remembered = known.past.get(container.spec) or born
    return Remove(
        host=container.host,
        agent=container.agent,
        replica=container.replica,
        instance=container.instance,
        container=container.id,
        grace_s=remembered.spec.grace_s if remembered else GRACE_DEFAULT_S,
        causes=causes,
        interrupts=known.task_of(container),
        live=container.state is ContainerState.RUNNING,
    )


def _drain(
    container: Container, task: str, causes: tuple[Cause, ...], *, removes: bool = False
) -> Drain:
    return Drain(
        host=container.host,
        agent=container.agent,
        replica=container.replica,
        instance=container.instance,
        container=container.id,
        waits_for=task,
        causes=causes,
        removes=removes,
    )
