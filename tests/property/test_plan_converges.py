"""Whatever is declared and whatever runs: plans end, never double a container, never name a stranger's."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.fleet import AgentSpec, DesiredState, OnChange
from agentctl.model.instance import Container, ContainerState, ObservedHost, ObservedState
from agentctl.model.plan import Action, Create, Drain, Plan, Remove, Stop
from agentctl.reconcile import births, plan
from agentctl.reconcile.slots import slot_of
from tests.unit.reconcile.declared import OURS, RESEARCHER, container, fleet

HOSTS = ("local", "other")
ROUNDS_MAX = 5  # busy seconds drain, seconds go, drains, their replacements; the last finds nothing

specs = st.builds(
    lambda name, host, image, clearance, replicas, on_change: replace(
        RESEARCHER,
        name=name,
        host=host,
        image=image,
        clearance=clearance,
        replicas=replicas,
        on_change=on_change,
    ),
    name=st.sampled_from(["a", "b", "c"]),
    host=st.sampled_from(HOSTS),
    image=st.sampled_from(["image:1", "image:2"]),
    clearance=st.sampled_from(["internal", "confidential"]),
    replicas=st.integers(1, 3),
    on_change=st.sampled_from(OnChange),
)
fleets = st.lists(specs, max_size=5, unique_by=lambda each: (each.name, each.host)).map(
    lambda agents: fleet(*agents, hosts=HOSTS)
)


@st.composite
def worlds(draw: st.DrawFn) -> ObservedState:
    containers: list[Container] = []
    for number, spec in enumerate(draw(st.lists(specs, max_size=8))):
        containers.append(
            container(
                spec,
                draw(st.integers(0, 3)),
                id=f"c-{number}",
                instance=f"inst-{number}",
                installation=draw(st.sampled_from([OURS, OURS, OURS, "foreign"])),
                state=draw(st.sampled_from(ContainerState)),
                created_at_s=float(draw(st.integers(0, 3))),
            )
        )
    return _world(containers)


def _world(containers: list[Container]) -> ObservedState:
    return ObservedState(
        hosts=tuple(
            ObservedHost(name=name, containers=tuple(c for c in containers if c.host == name))
            for name in HOSTS
        )
    )


def _all(world: ObservedState) -> list[Container]:
    return [each for host in world.hosts for each in host.containers]


def _after(world: ObservedState, actions: tuple[Action, ...], born: int) -> ObservedState:
    """The world after these actions, in their order; asserts that no place ever gets a second."""
    containers = _all(world)
    for number, action in enumerate(actions):
        match action:
            case Remove(container=gone):
                containers = [each for each in containers if each.id != gone]
            case Create(spec=spec, replica=replica):
                new = container(spec, replica, id=f"new-{born}-{number}")
                new = replace(new, instance=f"inst-{born}-{number}")
                place = slot_of(new)
                ours = [each for each in containers if each.installation == OURS]
                assert place not in {slot_of(each) for each in ours}
                containers.append(new)
            case Stop(container=killed):
                containers = [
                    replace(each, state=ContainerState.EXITED) if each.id == killed else each
                    for each in containers
                ]
            case Drain():
                pass  # what it does is in `draining`
    return _world(containers)


def _planned(
    desired: DesiredState,
    world: ObservedState,
    work: dict[str, str],
    draining: frozenset[str],
    prune: bool,
) -> Plan:
    return plan(
        desired,
        world,
        digest="d",
        installation=OURS,
        work=work,
        draining=draining,
        prune=prune,
    )


@given(desired=fleets, world=worlds(), busy=st.sets(st.integers(0, 7)), prune=st.booleans())
def test_carrying_plans_out_ends_in_a_world_that_needs_none(
    desired: DesiredState, world: ObservedState, busy: set[int], prune: bool
) -> None:
    work = {f"inst-{number}": f"task-{number}" for number in busy}
    draining: frozenset[str] = frozenset()
    for turn in range(ROUNDS_MAX):
        found = _planned(desired, world, work, draining, prune)
        if found.empty:
            break
        drains = [each for each in found.actions if isinstance(each, Drain)]
        draining |= {each.instance for each in drains}
        world = _after(world, found.actions, turn)
        for each in drains:  # its task ends before the next pass
            work.pop(each.instance, None)
    assert found.empty
    _assert_as_declared(desired, world, prune=prune)


def _assert_as_declared(desired: DesiredState, world: ObservedState, *, prune: bool) -> None:
    ours = Counter(slot_of(each) for each in _all(world) if each.installation == OURS)
    wanted = {
        (spec.host, spec.name, replica)
        for spec in desired.agents
        for replica in range(spec.replicas)
    }
    declared = {(spec.host, spec.name) for spec in desired.agents}
    for place, held in ours.items():
        if (place.host, place.agent) in declared or prune:
            assert (place.host, place.agent, place.replica) in wanted
            assert held == 1
    assert wanted <= {(place.host, place.agent, place.replica) for place in ours}


@given(desired=fleets, world=worlds(), busy=st.sets(st.integers(0, 7)), prune=st.booleans())
def test_a_strangers_container_is_never_named(
    desired: DesiredState, world: ObservedState, busy: set[int], prune: bool
) -> None:
    work = {f"inst-{number}": f"task-{number}" for number in busy}
    foreign = {each.id for each in _all(world) if each.installation != OURS}
    found = _planned(desired, world, work, frozenset(), prune)
    touched = {each.container for each in found.actions if not isinstance(each, Create)}
    assert not touched & foreign
    alone = _world([each for each in _all(world) if each.installation == OURS])
    assert found == _planned(desired, alone, work, frozenset(), prune)


@given(desired=fleets, world=worlds(), busy=st.sets(st.integers(0, 7)))
def test_without_immediate_no_task_is_interrupted(
    desired: DesiredState, world: ObservedState, busy: set[int]
) -> None:
    patient = tuple(_patient(each) for each in desired.agents)
    work = {f"inst-{number}": f"task-{number}" for number in busy}
    found = _planned(replace(desired, agents=patient), world, work, frozenset(), prune=True)
    assert not any(each.interrupts for each in found.actions if isinstance(each, Remove))


def _patient(spec: AgentSpec) -> AgentSpec:
    return replace(spec, on_change=OnChange.DRAIN)


@given(
    desired=fleets,
    world=worlds(),
    apart=st.sets(st.sampled_from(["a", "b", "c"]), min_size=1),
    prune=st.booleans(),
)
def test_of_agents_in_quarantine_nothing_runs_and_nothing_goes(
    desired: DesiredState, world: ObservedState, apart: set[str], prune: bool
) -> None:
    before = _apart(world, apart)
    for turn in range(ROUNDS_MAX):
        found = plan(desired, world, digest="d", installation=OURS, prune=prune, quarantined=apart)
        mine = [each for each in found.actions if each.agent in apart]
        assert all(isinstance(each, Stop) for each in mine)
        world = _after(world, found.actions, turn)
        if found.empty:
            break
    assert found.empty
    after = _apart(world, apart)
    assert after.keys() == before.keys()
    assert ContainerState.RUNNING not in after.values()


def _apart(world: ObservedState, names: set[str]) -> dict[str, ContainerState]:
    return {
        each.id: each.state
        for each in _all(world)
        if each.agent in names and each.installation == OURS
    }


LEVELS = ("public", "internal", "confidential")
old_specs = st.builds(
    lambda image, clearance, ttl_s: replace(
        RESEARCHER, image=image, clearance=clearance, ttl_s=ttl_s, replicas=3
    ),
    image=st.sampled_from(["image:1", "image:2"]),
    clearance=st.sampled_from(LEVELS),
    ttl_s=st.sampled_from([60.0, 86400.0]),
)


@given(
    before=st.lists(old_specs, min_size=3, max_size=3),
    after=old_specs.map(lambda each: replace(each, on_change=OnChange.DEFER)),
    busy=st.sets(st.integers(0, 2)),
    queued=st.sets(st.integers(0, 2)),
    remembered=st.booleans(),
)
def test_deferred_changes_wait_for_work_never_narrow_late_and_end_as_declared(
    before: list[AgentSpec],
    after: AgentSpec,
    busy: set[int],
    queued: set[int],
    remembered: bool,
) -> None:
    running = [container(spec, at) for at, spec in enumerate(before)]
    world, desired = _world(running), fleet(after, hosts=HOSTS)
    past = births(fleet(*before)) if remembered else {}
    work = {running[at].instance: f"task-{at}" for at in busy}
    waiting = {running[at].instance: "task-queued" for at in queued}
    draining: frozenset[str] = frozenset()
    for turn in range(2 * ROUNDS_MAX):
        found = plan(
            desired,
            world,
            digest="d",
            installation=OURS,
            work=work,
            draining=draining,
            past=past,
            waiting=waiting,
        )
        touched = {each.container for each in found.actions if not isinstance(each, Create)}
        for at, (spec, each) in enumerate(zip(before, running, strict=True)):
            narrows = not remembered or _narrows(spec, after)
            occupied = each.instance in work or each.instance in waiting
            if each not in _all(world) or each.spec == new_hash(after):
                continue
            if narrows:
                assert each.id in touched, f"{at}: a narrower change is never deferred"
            elif occupied:
                assert each.id not in touched, f"{at}: it has work to do yet"
        draining |= {each.instance for each in found.actions if isinstance(each, Drain)}
        world = _after(world, found.actions, turn)
        if found.empty and not found.deferred:
            break
        if work:  # one task ends, then what is queued is done, one after the other
            work.pop(min(work))
        elif waiting:
            waiting.pop(min(waiting))
    assert found.empty
    assert not found.deferred
    _assert_as_declared(desired, world, prune=False)
    assert {each.spec for each in _all(world)} == {new_hash(after)}


def _narrows(before: AgentSpec, after: AgentSpec) -> bool:
    lower = LEVELS.index(after.clearance) < LEVELS.index(before.clearance)
    return lower or after.ttl_s < before.ttl_s


def new_hash(spec: AgentSpec) -> str:
    return container(spec).spec
