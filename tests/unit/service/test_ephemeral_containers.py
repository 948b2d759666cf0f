"""A fresh container for a task: what it is labelled, which task it gets, and when it has had its use."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Conflict
from agentctl.model.fleet import Lifecycle
from agentctl.model.instance import Instance, InstanceState
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import instances, modes, reconciling, registry, watch
from agentctl.service.cancel import cancel
from agentctl.service.context import Fleet
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import instances as instance_table
from agentctl.store import tasks as task_table
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

CLERK = replace(RESEARCHER, name="clerk", lifecycle=Lifecycle.EPHEMERAL, replicas=2, warm=1)
FLEET = fleet(RESEARCHER, THINKER, CLERK)


@pytest.fixture
def at(bare: HubAtHand) -> HubAtHand:
    """A hub whose fleet has an ephemeral clerk: two at once, one warm."""
    bare.apply(FLEET)
    return bare


def given(at: HubAtHand, who: AgentPrincipal, slots: int = 1) -> list[str]:
    found = poll(at.hub, who, slots=slots, holds=(), wait_s=0.0, gone=lambda: False)
    return [each["task"] for each in found if each["type"] == "task.assigned"]


def complete(at: HubAtHand, who: AgentPrincipal, task: str) -> None:
    for kind, payload in (("task.accepted", {}), ("task.completed", {"text": "done"})):
        message = {"id": kind, "type": kind, "task": task, "attempt": 1, "payload": payload}
        report(at.hub, who, message)


def submitted(at: HubAtHand, **fields: Any) -> Task:
    return submit(at.hub, NewTask(prompt="do it", agent="clerk", **fields), ADMIN)[0]


def look(at: HubAtHand) -> dict[str, Any]:
    """What the reconciler is told when it sees every living container running."""
    with at.hub.store.read() as txn:
        living = list(instance_table.alive(txn))
    containers = [
        {
            "agent": each.agent,
            "replica": each.replica,
            "instance": each.id,
            "id": each.container,
            "installation": at.hub.installation,
            "state": "running",
        }
        for each in living
    ]
    host = {"name": "local", "error": "", "engine": "e", "containers": containers}
    return reconciling.observed(at.hub, {"hosts": [host]})


def demand(at: HubAtHand) -> list[str]:
    return [each["task"] for each in look(at)["demand"]]


def spent(at: HubAtHand, who: AgentPrincipal) -> str:
    (row,) = [each for each in look(at)["instances"] if each["id"] == who.instance]
    return str(row["spent"])


def record(at: HubAtHand, instance: str) -> Instance:
    with at.hub.store.read() as txn:
        found = instance_table.get(txn, instance)
    assert found is not None
    return found


def state(at: HubAtHand, task: Task) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task.id)
    assert found is not None
    return found


# -- its label


def test_a_container_made_for_a_task_carries_the_tasks_label_and_so_does_what_leaves_it(
    at: HubAtHand,
) -> None:
    task = submitted(at, sensitivity="internal")
    who = at.born("clerk", task=task.id)
    assert record(at, who.instance).label == "internal"
    given(at, who)
    complete(at, who, task.id)
    result = state(at, task).result
    assert result is not None
    assert result.label == "internal"


def test_a_warm_container_carries_its_agents_clearance_and_so_does_what_leaves_it(
    at: HubAtHand,
) -> None:
    who = at.born("clerk")
    assert record(at, who.instance).label == "confidential"
    task = submitted(at, sensitivity="public")
    assert given(at, who) == [task.id]
    complete(at, who, task.id)
    result = state(at, task).result
    assert result is not None
    assert result.label == "confidential"


# -- which task it gets


def test_a_container_made_for_a_task_gets_that_one_only(at: HubAtHand) -> None:
    first, second = submitted(at), submitted(at)
    who = at.born("clerk", task=second.id)
    assert given(at, who, slots=2) == [second.id]
    complete(at, who, second.id)
    assert given(at, who) == []
    assert state(at, first).state is TaskState.QUEUED


def test_a_warm_container_gets_the_first_task_that_fits_and_no_second(at: HubAtHand) -> None:
    first, second = submitted(at), submitted(at)
    who = at.born("clerk")
    assert given(at, who, slots=2) == [first.id]
    complete(at, who, first.id)
    assert given(at, who) == []
    assert state(at, second).state is TaskState.QUEUED


def test_a_warm_container_leaves_alone_what_another_was_made_for(at: HubAtHand) -> None:
    task = submitted(at)
    made, warm = at.born("clerk", task=task.id), at.born("clerk", replica=1)
    assert given(at, warm) == []
    assert given(at, made) == [task.id]


def test_a_task_that_lost_its_container_waits_until_that_one_is_gone(at: HubAtHand) -> None:
    task = submitted(at)
    lost = at.born("clerk", task=task.id)
    given(at, lost)
    at.clock.advance(31)
    watch.tick(at.hub)
    assert state(at, task).state is TaskState.QUEUED
    assert given(at, lost) == []
    assert spent(at, lost) == "its lease is lost"
    assert demand(at) == []
    with pytest.raises(Conflict, match=f"{lost.instance} lives for it"):
        at.reserve("clerk", replica=1, task=task.id)
    instances.mark(at.hub, lost.instance, "recycled", "spent")
    assert demand(at) == [task.id]
    assert given(at, at.born("clerk", task=task.id)) == [task.id]


def test_a_persistent_container_of_an_agent_that_became_ephemeral_gets_no_work(
    bare: HubAtHand,
) -> None:
    bare.apply(fleet(RESEARCHER, THINKER, replace(CLERK, lifecycle=Lifecycle.PERSISTENT, warm=0)))
    old = bare.born("clerk")
    bare.apply(FLEET)
    submitted(bare)
    assert given(bare, old) == []


# -- when it may be made


def test_two_containers_are_never_made_for_one_task(at: HubAtHand) -> None:
    task = submitted(at)
    at.reserve("clerk", task=task.id)
    with pytest.raises(Conflict, match="lives for it"):
        at.reserve("clerk", replica=1, task=task.id)


def test_none_is_made_for_a_task_that_is_taken_or_over_or_unknown(at: HubAtHand) -> None:
    warm = at.born("clerk")
    task = submitted(at)
    given(at, warm)
    with pytest.raises(Conflict, match="lives for it"):
        at.reserve("clerk", replica=1, task=task.id)
    gone = submitted(at)
    cancel(at.hub, gone.id, ADMIN)
    with pytest.raises(Conflict, match="it is cancelled"):
        at.reserve("clerk", replica=1, task=gone.id)
    with pytest.raises(Conflict, match="no such task"):
        at.reserve("clerk", replica=1, task="task-" + "0" * 26)


def test_none_is_made_for_another_agents_task(at: HubAtHand) -> None:
    other = submit(at.hub, NewTask(prompt="x", agent="researcher"), ADMIN)[0]
    with pytest.raises(Conflict, match="routed to another agent"):
        at.reserve("clerk", task=other.id)
    with pytest.raises(Conflict, match="made for no task"):
        at.reserve("researcher", task=other.id)


def test_replicas_is_the_limit_of_those_alive_at_once(at: HubAtHand) -> None:
    at.born("clerk", replica=1, task=submitted(at).id)
    at.apply(fleet(RESEARCHER, THINKER, replace(CLERK, replicas=1)))
    with pytest.raises(Conflict, match="1 of clerk live on local, which is its limit"):
        at.reserve("clerk", task=submitted(at).id)


def test_none_is_made_for_a_task_above_a_clearance_that_was_just_lowered(at: HubAtHand) -> None:
    task = submitted(at, sensitivity="confidential")
    assert at.hub.fleet is not None
    lowered = fleet(RESEARCHER, THINKER, replace(CLERK, clearance="internal"))
    newest = replace(at.hub.fleet.generation, desired=lowered)
    at.hub.fleet = Fleet.of(newest)  # in force, and the waiting tasks not routed again yet
    with pytest.raises(Conflict, match="cleared for internal, the task is confidential"):
        at.reserve("clerk", task=task.id)


def test_no_more_than_warm_are_kept_ready(at: HubAtHand) -> None:
    at.born("clerk")
    with pytest.raises(Conflict, match="1 of clerk are warm already"):
        at.reserve("clerk", replica=1)


# -- what the reconciler is told


def test_queued_tasks_want_containers_up_to_the_limit_and_highest_priority_first(
    at: HubAtHand,
) -> None:
    low = [submitted(at) for _ in range(2)]
    urgent = submitted(at, priority=5)
    assert demand(at) == [urgent.id, low[0].id]


def test_what_ready_warm_containers_will_take_wants_none(at: HubAtHand) -> None:
    at.born("clerk")
    submitted(at)
    assert demand(at) == []
    second = submitted(at)
    assert demand(at) == [second.id]


def test_a_warm_container_that_went_silent_is_not_counted_on_and_goes(at: HubAtHand) -> None:
    warm = at.born("clerk")
    at.clock.advance(61)
    task = submitted(at)
    assert demand(at) == [task.id]
    assert spent(at, warm) == "not heard of for 60 s"


def test_a_hub_that_just_came_back_calls_nobody_silent(at: HubAtHand) -> None:
    warm = at.born("clerk")
    at.clock.advance(61)
    at.hub.live.instance_seen_s.clear()
    at.hub.live.listening_since_s = at.clock.wall_s()
    assert spent(at, warm) == ""


def test_tasks_of_persistent_agents_want_no_container_of_their_own(at: HubAtHand) -> None:
    submit(at.hub, NewTask(prompt="x", agent="researcher"), ADMIN)
    assert demand(at) == []


def test_while_nothing_is_handed_out_nothing_is_wanted(at: HubAtHand) -> None:
    submitted(at)
    modes.set_mode(at.hub, ADMIN, mode="paused", reason="")
    assert demand(at) == []


def test_work_that_comes_between_two_of_the_reconcilers_polls_ends_the_next_at_once(
    at: HubAtHand,
) -> None:
    first = reconciling.desired(at.hub, after=99, wait_s=0.0, gone=lambda: False)
    submitted(at)
    again = reconciling.desired(
        at.hub,
        after=99,
        wait_s=20.0,
        wakes=first["wakes"],
        gone=lambda: pytest.fail("it waits for what has happened"),
    )
    assert again["wakes"] > first["wakes"]


def test_a_container_is_spent_once_its_task_has_ended(at: HubAtHand) -> None:
    task = submitted(at)
    who = at.born("clerk", task=task.id)
    assert spent(at, who) == ""
    given(at, who)
    assert spent(at, who) == ""
    complete(at, who, task.id)
    assert spent(at, who) == f"{task.id}: completed"


def test_a_container_whose_task_was_cancelled_before_it_came_is_spent(at: HubAtHand) -> None:
    task = submitted(at)
    who = at.born("clerk", task=task.id)
    cancel(at.hub, task.id, ADMIN)
    assert spent(at, who) == f"{task.id}: it is cancelled"
    assert given(at, who) == []


def test_an_idle_container_is_spent_when_its_agent_is_no_longer_declared(at: HubAtHand) -> None:
    warm = at.born("clerk")
    at.apply(fleet(RESEARCHER, THINKER))
    assert spent(at, warm) == "clerk is no longer declared"


# -- the registry


def test_every_state_of_a_container_is_shown_with_its_time(at: HubAtHand) -> None:
    task = submitted(at)
    born_s = at.clock.wall_s()
    reserved = at.reserve("clerk", task=task.id)["instance"]
    at.clock.advance(1)
    instances.bind(at.hub, reserved, "c-1")
    for each in (InstanceState.STARTING, InstanceState.RUNNING, InstanceState.STARTING):
        at.clock.advance(1)
        instances.mark(at.hub, reserved, each.value, "")
    for each in (InstanceState.RECYCLING, InstanceState.RECYCLED):
        at.clock.advance(1)
        instances.mark(at.hub, reserved, each.value, "spent")
    assert record(at, reserved).times == (
        (InstanceState.PROVISIONING, born_s),
        (InstanceState.CONFIGURING, born_s + 1),
        (InstanceState.STARTING, born_s + 2),
        (InstanceState.RUNNING, born_s + 3),
        (InstanceState.RECYCLING, born_s + 5),
        (InstanceState.RECYCLED, born_s + 6),
    )


def test_an_agent_is_shown_with_its_tasks_and_the_containers_they_ran_in(at: HubAtHand) -> None:
    task = submitted(at)
    who = at.born("clerk", task=task.id)
    given(at, who)
    assert [each["id"] for each in registry.agent(at.hub, "clerk", ADMIN)["current"]] == [task.id]
    complete(at, who, task.id)
    instances.mark(at.hub, who.instance, "recycled", "spent")
    found = registry.agent(at.hub, "clerk", ADMIN)
    assert found["current"] == []
    assert [each["id"] for each in found["last"]] == [task.id]
    (gone,) = found["gone"]
    assert (gone["id"], gone["made_for"], gone["served"], gone["state"], gone["reason"]) == (
        who.instance,
        task.id,
        task.id,
        "recycled",
        "spent",
    )
    (declared,) = found["declared"]
    assert (declared["lifecycle"], declared["replicas"], declared["warm"]) == ("ephemeral", 2, 1)
