"""The reconciler with ephemeral agents: made for a task, gone after it, failures held back, quiet when idle."""

from dataclasses import replace

import pytest

from agentctl.model.fleet import Lifecycle
from tests.unit.loops.world import World
from tests.unit.reconcile.declared import RESEARCHER, fleet

CLERK = replace(RESEARCHER, name="clerk", lifecycle=Lifecycle.EPHEMERAL, replicas=3)


@pytest.fixture
def world() -> World:
    return World()


def wants(world: World, *tasks: str) -> None:
    world.hub.demand = [
        {"task": each, "agent": "clerk", "sensitivity": "internal"} for each in tasks
    ]


def reservations(world: World) -> list[str]:
    return [body.get("task", "") for what, body in world.hub.bodies if what == "instances"]


def test_the_hub_is_told_which_task_a_container_is_made_for(world: World) -> None:
    world.apply(fleet(CLERK))
    wants(world, "task-1", "task-2")
    world.converge()
    assert sorted(reservations(world)) == ["task-1", "task-2"]
    assert world.engine.running() == ["acme-clerk-0", "acme-clerk-1"]


def test_a_spent_container_is_stopped_and_removed_and_its_record_closed(world: World) -> None:
    world.apply(fleet(CLERK))
    wants(world, "task-1")
    world.converge()
    world.hub.demand = []
    (instance,) = world.hub.instances.values()
    instance |= {"spent": "task-1: completed", "served": True}
    report = world.converge()
    assert report["actions"][0]["causes"] == ["task-1: completed"]
    assert world.engine.containers == {}
    assert instance["state"] == "recycled"


def test_a_pass_without_demand_reserves_nothing_and_reports_once(world: World) -> None:
    world.apply(fleet(CLERK))
    world.converge()
    told = len(world.hub.passes)
    world.converge()
    world.converge()
    assert reservations(world) == []
    assert len(world.hub.passes) == told
    assert world.engine.calls == []


def test_of_creates_that_fail_together_one_counts_and_all_wait(world: World) -> None:
    world.engine.broken.add(CLERK.image)
    world.apply(fleet(CLERK))
    wants(world, "task-1", "task-2", "task-3")
    assert {each["state"] for each in world.converge()["actions"]} == {"failed"}
    world.clock.advance(0.5)
    assert {each["state"] for each in world.converge()["actions"]} == {"waiting"}
    assert len(reservations(world)) == 3
    world.clock.advance(0.6)  # the first wait is one second, however many failed
    world.engine.broken.clear()
    assert {each["state"] for each in world.converge()["actions"]} == {"done"}


def test_one_that_has_had_its_task_clears_earlier_failures(world: World) -> None:
    world.engine.broken.add(CLERK.image)
    world.apply(fleet(CLERK))
    wants(world, "task-1")
    for _ in range(3):  # waits of 1, 2 and 4 seconds
        world.converge()
        world.clock.advance(8)
    world.engine.broken.clear()
    world.converge()
    (made,) = [each for each in world.hub.instances.values() if each["state"] == "starting"]
    made |= {"spent": "task-1: completed", "served": True}
    world.hub.demand = []
    world.converge()
    world.engine.broken.add(CLERK.image)
    wants(world, "task-2")
    world.converge()
    world.engine.broken.clear()
    world.clock.advance(1.1)
    assert {each["state"] for each in world.converge()["actions"]} == {"done"}
