"""Whatever is wanted and whatever lives: never above the limit, one container per task, and an end to it."""

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from agentctl.model.fleet import DesiredState, Lifecycle, OnChange
from agentctl.model.instance import Container, ContainerState, ObservedHost, ObservedState
from agentctl.model.plan import Action, Create, Drain, Plan, Remove
from agentctl.reconcile import Demand, Wanted, plan
from agentctl.reconcile.slots import slot_of
from tests.unit.reconcile.declared import OURS, RESEARCHER, container, fleet

HOSTS = ("local", "other")
TASKS = 8
ROUNDS_MAX = 30  # each pass with work left serves a task; the bound is far above what is needed


@st.composite
def fleets(draw: st.DrawFn) -> DesiredState:
    agents = []
    for host in draw(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=2, unique=True)):
        replicas = draw(st.integers(1, 3))
        agents.append(
            replace(
                RESEARCHER,
                name="clerk",
                host=host,
                lifecycle=Lifecycle.EPHEMERAL,
                replicas=replicas,
                warm=draw(st.integers(0, replicas)),
                image=draw(st.sampled_from(["image:1", "image:2"])),
                on_change=draw(st.sampled_from([OnChange.DRAIN, OnChange.IMMEDIATE])),
            )
        )
    return fleet(*agents, hosts=HOSTS)


@dataclass
class World:
    """Containers, and the hub's word on them: who works, who is free, who is spent, what is queued."""

    containers: list[Container] = field(default_factory=list)
    queued: list[str] = field(default_factory=list)
    made_for: dict[str, str] = field(default_factory=dict)
    work: dict[str, str] = field(default_factory=dict)
    served: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    born: int = 0

    def demand(self) -> Demand:
        living = {each.instance for each in self.containers}
        tied = {self.made_for.get(each) for each in living} | {
            self.served.get(each) for each in living
        }
        free = [each for each in sorted(living) if not self._used(each)]
        waiting = [each for each in self.queued if each not in tied]
        return Demand(
            wanted=tuple(Wanted(task=each, agent="clerk") for each in waiting[len(free) :]),
            free=frozenset(free),
            spent={
                each: "over" for each in living if each in self.served and each not in self.work
            },
        )

    def _used(self, instance: str) -> bool:
        return bool(self.made_for.get(instance)) or instance in self.served

    def observed(self) -> ObservedState:
        return ObservedState(
            hosts=tuple(
                ObservedHost(
                    name=name, containers=tuple(c for c in self.containers if c.host == name)
                )
                for name in HOSTS
            )
        )

    def carry_out(self, actions: tuple[Action, ...], desired: DesiredState) -> None:
        for action in actions:
            match action:
                case Remove(container=gone, instance=instance):
                    self.containers = [each for each in self.containers if each.id != gone]
                    lost = self.work.pop(instance, None)
                    if lost:
                        self.queued.append(lost)
                case Create(spec=spec, replica=replica, task=task):
                    self.born += 1
                    new = container(spec, replica, id=f"n-{self.born}", instance=f"i-{self.born}")
                    assert slot_of(new) not in {slot_of(each) for each in self.containers}
                    assert task not in self.served.values() or not self._lives_for(task)
                    self.containers.append(new)
                    self.made_for[new.instance] = task
                case Drain():
                    raise AssertionError("an ephemeral container is never drained")
            self._within_limits(desired)

    def _lives_for(self, task: str) -> bool:
        return any(
            task in (self.made_for.get(each.instance), self.served.get(each.instance))
            for each in self.containers
        )

    def _within_limits(self, desired: DesiredState) -> None:
        allowed = {each.host: each.replicas for each in desired.agents}
        live = Counter(each.host for each in self.containers)
        assert all(count <= allowed[host] for host, count in live.items() if host in allowed)
        tasks = [self.made_for.get(each.instance) for each in self.containers]
        assert all(count == 1 for task, count in Counter(tasks).items() if task)

    def poll(self) -> None:
        """Every idle container asks for work once, as the hub hands it out."""
        for each in self.containers:
            instance = each.instance
            if instance in self.served or each.state is not ContainerState.RUNNING:
                continue
            mine = self.made_for.get(instance, "")
            free = [task for task in self.queued if not self._lives_for(task)]
            task = mine if mine in self.queued else "" if mine else next(iter(free), "")
            if task:
                self.queued.remove(task)
                self.work[instance] = self.served[instance] = task

    def finish(self) -> None:
        """Whatever is worked on ends."""
        self.ended |= set(self.work.values())
        self.work.clear()


def _planned(desired: DesiredState, world: World) -> Plan:
    return plan(
        desired,
        world.observed(),
        digest="d",
        installation=OURS,
        work=world.work,
        demand=world.demand(),
    )


@st.composite
def worlds(draw: st.DrawFn, desired: DesiredState) -> World:
    world = World(queued=[f"task-{number}" for number in range(draw(st.integers(0, TASKS)))])
    for spec in desired.agents:
        for replica in range(draw(st.integers(0, spec.replicas))):
            world.born += 1
            old = replace(spec, image=draw(st.sampled_from(["image:1", "image:2"])))
            state = draw(st.sampled_from(ContainerState))
            name = f"i-{world.born}"
            found = container(old, replica, id=f"c-{world.born}", instance=name, state=state)
            world.containers.append(found)
            if state is ContainerState.RUNNING and draw(st.booleans()):
                world.work[name] = world.served[name] = f"old-{world.born}"
    return world


cases = fleets().flatmap(lambda desired: st.tuples(st.just(desired), worlds(desired)))


@given(case=cases)
def test_every_task_is_served_once_within_the_limit_and_then_plans_are_empty(
    case: tuple[DesiredState, World],
) -> None:
    desired, world = case
    asked = set(world.queued)
    for _ in range(ROUNDS_MAX):
        found = _planned(desired, world)
        world.carry_out(found.actions, desired)
        world.poll()
        world.finish()
        if found.empty and not world.queued and not world.demand().spent:
            break
    assert _planned(desired, world).empty
    assert asked <= world.ended
    free = Counter(each.host for each in world.containers)
    assert free == Counter({each.host: each.warm for each in desired.agents if each.warm})


@given(case=cases)
def test_planning_twice_from_one_world_is_the_same_plan(case: tuple[DesiredState, World]) -> None:
    desired, world = case
    assert _planned(desired, world) == _planned(desired, world)
