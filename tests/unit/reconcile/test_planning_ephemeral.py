"""Ephemeral agents in a plan: a container for each task that wants one, some warm, each used once."""

from collections.abc import Iterable
from dataclasses import replace

from agentctl.model.fleet import AgentSpec, Lifecycle, OnChange
from agentctl.model.instance import Container, ContainerState, ObservedHost, ObservedState
from agentctl.model.plan import Create, Plan, Remove
from agentctl.reconcile import Demand, Wanted, plan
from tests.unit.reconcile.declared import OURS, RESEARCHER, container, fleet, seen

CLERK = replace(RESEARCHER, name="clerk", lifecycle=Lifecycle.EPHEMERAL, replicas=2)
FIRST = container(CLERK, 0)


def wanted(*tasks: str) -> tuple[Wanted, ...]:
    return tuple(Wanted(task=each, agent="clerk") for each in tasks)


def planned(
    *specs: AgentSpec,
    there: Iterable[Container] = (),
    world: ObservedState | None = None,
    demand: Demand | None = None,
    work: dict[str, str] | None = None,
    condemned: frozenset[str] = frozenset(),
    known: frozenset[str] | None = None,
) -> Plan:
    hosts = tuple(dict.fromkeys(each.host for each in specs)) or ("local",)
    return plan(
        fleet(*specs, hosts=hosts),
        world or seen(*there),
        digest="d",
        installation=OURS,
        demand=demand,
        work=work,
        condemned=condemned,
        known=known,
    )


def verbs(found: Plan) -> list[str]:
    """Each action in a word, with what it is for."""
    return [
        f"create {each.host} {each.agent}/{each.replica} {each.task or 'warm'}"
        if isinstance(each, Create)
        else f"{type(each).__name__.lower()} {each.agent}/{each.replica}: {each.causes[0]}"
        for each in found.actions
    ]


def test_nothing_is_made_of_an_ephemeral_agent_that_no_task_wants() -> None:
    found = planned(CLERK, demand=Demand())
    assert found.empty
    assert found.notes == ("clerk: ephemeral: up to 2, 0 warm; 0 wanted now",)


def test_each_task_gets_a_container_of_its_own_up_to_the_limit() -> None:
    found = planned(CLERK, demand=Demand(wanted=wanted("task-1", "task-2", "task-3")))
    assert verbs(found) == ["create local clerk/0 task-1", "create local clerk/1 task-2"]
    assert found.notes == ("clerk: ephemeral: up to 2, 0 warm; 3 wanted now",)


def test_a_container_that_works_is_left_alone_and_takes_its_place_from_the_limit() -> None:
    found = planned(
        CLERK,
        there=[FIRST],
        work={FIRST.instance: "task-0"},
        demand=Demand(wanted=wanted("task-1", "task-2")),
    )
    assert verbs(found) == ["create local clerk/1 task-1"]
    assert found.unchanged == 1


def test_a_spent_container_goes_without_waiting_and_its_place_is_filled_only_once_it_is_gone() -> (
    None
):
    alone = replace(CLERK, replicas=1)
    there = container(alone)
    over = Demand(wanted=wanted("task-1"), spent={there.instance: "task-0: completed"})
    found = planned(alone, there=[there], demand=over)
    assert verbs(found) == ["remove clerk/0: task-0: completed"]
    (gone,) = found.actions
    assert isinstance(gone, Remove)
    assert gone.grace_s == 2.0
    assert verbs(planned(alone, demand=Demand(wanted=wanted("task-1")))) == [
        "create local clerk/0 task-1"
    ]


def test_warm_ones_are_kept_ready_after_the_tasks_have_theirs() -> None:
    warm = replace(CLERK, replicas=3, warm=2)
    assert verbs(planned(warm, demand=Demand())) == [
        "create local clerk/0 warm",
        "create local clerk/1 warm",
    ]
    assert verbs(planned(warm, demand=Demand(wanted=wanted("task-1", "task-2")))) == [
        "create local clerk/0 task-1",
        "create local clerk/1 task-2",
        "create local clerk/2 warm",
    ]


def test_a_warm_one_that_took_a_task_is_followed_by_another() -> None:
    warm = replace(CLERK, warm=1)
    there = container(warm)
    assert planned(warm, there=[there], demand=Demand(free=frozenset({there.instance}))).empty
    busy = planned(warm, there=[there], work={there.instance: "task-1"}, demand=Demand())
    assert verbs(busy) == ["create local clerk/1 warm"]


def test_fewer_warm_ones_are_kept_when_fewer_are_declared() -> None:
    both = [container(CLERK, 0), container(CLERK, 1)]
    free = Demand(free=frozenset(each.instance for each in both))
    found = planned(replace(CLERK, warm=1), there=both, demand=free)
    assert verbs(found) == ["remove clerk/1: only 1 are kept warm"]


def test_what_broke_or_drifted_idle_goes_and_nothing_takes_its_place() -> None:
    newer = replace(CLERK, image="agentctl/agent:2")
    assert verbs(planned(newer, there=[FIRST], demand=Demand())) == [
        f"remove clerk/0: spec: {FIRST.spec} → {planned_hash(newer)}"
    ]
    exited = replace(FIRST, state=ContainerState.EXITED, exit_code=1)
    assert verbs(planned(CLERK, there=[exited], demand=Demand())) == [
        "remove clerk/0: exited with code 1"
    ]
    orphan = planned(CLERK, there=[FIRST], condemned=frozenset({FIRST.id}), demand=Demand())
    assert verbs(orphan) == ["remove clerk/0: the hub has no live record of it"]


def test_a_changed_spec_waits_for_the_one_task_unless_it_is_immediate() -> None:
    newer = replace(CLERK, image="agentctl/agent:2")
    work = {FIRST.instance: "task-0"}
    assert planned(newer, there=[FIRST], work=work, demand=Demand()).empty
    at_once = replace(newer, on_change=OnChange.IMMEDIATE)
    (gone,) = planned(at_once, there=[FIRST], work=work, demand=Demand()).actions
    assert isinstance(gone, Remove)
    assert gone.interrupts == "task-0"


def test_tasks_go_where_most_room_is_and_not_where_creating_fails() -> None:
    far = replace(CLERK, host="far", replicas=5)
    world = ObservedState(hosts=(ObservedHost(name="local"), ObservedHost(name="far")))
    demand = Demand(wanted=wanted("task-1"))
    assert verbs(planned(CLERK, far, world=world, demand=demand)) == ["create far clerk/0 task-1"]
    resting = replace(demand, resting=frozenset({("far", "clerk")}))
    assert verbs(planned(CLERK, far, world=world, demand=resting)) == [
        "create local clerk/0 task-1"
    ]


def test_an_unreachable_host_gets_no_container() -> None:
    world = seen(error="refused")
    assert planned(CLERK, world=world, demand=Demand(wanted=wanted("task-1"))).empty


def test_a_spent_container_goes_though_its_agent_is_no_longer_declared() -> None:
    over = Demand(spent={FIRST.instance: "task-0: completed"})
    found = planned(RESEARCHER, there=[container(RESEARCHER), FIRST], demand=over)
    assert verbs(found) == ["remove clerk/0: task-0: completed"]


def test_without_the_hub_nothing_comes_or_goes_for_work() -> None:
    found = planned(replace(CLERK, warm=1), there=[FIRST])
    assert found.empty
    assert found.notes == ("clerk: ephemeral: up to 2, 1 warm; how many are wanted is unknown",)


def test_a_review_names_the_demand_and_acts_on_none_of_it() -> None:
    told = Demand(wanted=wanted("task-1"), only_told=True)
    found = planned(replace(CLERK, warm=1), demand=told)
    assert found.empty
    assert found.notes == ("clerk: ephemeral: up to 2, 1 warm; 1 wanted now",)


def planned_hash(spec: AgentSpec) -> str:
    (made,) = planned(spec, demand=Demand(wanted=wanted("task-1"))).actions
    assert isinstance(made, Create)
    return made.spec_hash
