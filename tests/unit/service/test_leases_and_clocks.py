"""Leases live by the boot clock, rest while nothing can be written, and are never more than the slots."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.mode import ModeName
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import modes, watch
from agentctl.service import poll as polling
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import Txn
from agentctl.store import tasks as task_table
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

HOUR_S = 3600.0


def ask(at: HubAtHand, who: AgentPrincipal, *holds: tuple[str, int]) -> list[dict[str, Any]]:
    return poll(at.hub, who, slots=1, holds=holds, wait_s=0.0, gone=lambda: False)


def begin(at: HubAtHand, who: AgentPrincipal, task: Task) -> None:
    ask(at, who)
    message = {"id": "a1", "type": "task.accepted", "task": task.id, "attempt": 1, "payload": {}}
    report(at.hub, who, message)


def beat(at: HubAtHand, who: AgentPrincipal, task: Task) -> dict[str, Any]:
    holds = [{"task": task.id, "attempt": 1}]
    payload = {"holds": holds}
    return report(at.hub, who, {"id": "b", "type": "agent.heartbeat", "payload": payload})


def state(at: HubAtHand, task: Task) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task.id)
    assert found is not None
    return found


def mode(at: HubAtHand) -> ModeName:
    return at.hub.mode.name


@pytest.fixture
def running(at_hand: HubAtHand) -> tuple[AgentPrincipal, Task]:
    task, _ = submit(at_hand.hub, NewTask(prompt="x", timeout_s=300.0), ADMIN)
    who = at_hand.born("researcher")
    begin(at_hand, who, task)
    return who, task


@pytest.mark.parametrize("jump_s", [HOUR_S, -HOUR_S])
def test_a_wall_clock_an_hour_off_moves_no_lease_and_times_nothing_out(
    jump_s: float, at_hand: HubAtHand, running: tuple[AgentPrincipal, Task]
) -> None:
    _, task = running
    before = state(at_hand, task).lease
    at_hand.clock.wall += jump_s
    watch.tick(at_hand.hub)
    assert (state(at_hand, task).state, state(at_hand, task).lease) == (TaskState.RUNNING, before)
    at_hand.clock.advance(at_hand.hub.fleet.lease_s + 1)  # type: ignore[union-attr]
    watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.QUEUED


def test_an_attempt_that_outlives_its_timeout_is_ended_by_the_hub(
    at_hand: HubAtHand, running: tuple[AgentPrincipal, Task]
) -> None:
    who, task = running
    for _ in range(35):  # alive all the time: its heartbeats come
        at_hand.clock.advance(10.0)
        assert beat(at_hand, who, task)["lost"] == []
        watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.RUNNING
    at_hand.clock.advance(11.0)
    beat(at_hand, who, task)
    watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.TIMED_OUT


def test_after_a_degraded_time_every_lease_gets_one_period_more(
    at_hand: HubAtHand, running: tuple[AgentPrincipal, Task]
) -> None:
    _, task = running
    modes.cause(at_hand.hub, "disk", "no space")
    at_hand.clock.advance(HOUR_S)  # long past lease and timeout: nobody could renew or settle
    watch.tick(at_hand.hub)
    modes.cause(at_hand.hub, "disk", "")
    assert mode(at_hand) is ModeName.DEGRADED
    at_hand.clock.advance(31.0)
    watch.tick(at_hand.hub)
    assert mode(at_hand) is ModeName.NORMAL
    assert state(at_hand, task).state is TaskState.RUNNING
    at_hand.clock.advance(31.0)
    watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.QUEUED


def test_a_result_that_waited_an_hour_for_the_hub_still_counts(
    at_hand: HubAtHand, running: tuple[AgentPrincipal, Task]
) -> None:
    who, task = running
    at_hand.clock.advance(HOUR_S)
    watch.renew_all(at_hand.hub)  # as a hub does when it starts
    at_hand.clock.advance(29.0)
    watch.tick(at_hand.hub)
    done = {"id": "c1", "type": "task.completed", "task": task.id, "attempt": 1}
    report(at_hand.hub, who, {**done, "payload": {"text": "four"}})
    assert state(at_hand, task).state is TaskState.COMPLETED


def test_a_repeated_submit_gets_its_first_task_whatever_mode_and_fleet_have_become(
    at_hand: HubAtHand,
) -> None:
    new = NewTask(prompt="x", agent="thinker", sensitivity="internal", idempotency_key="k")
    first, created = submit(at_hand.hub, new, ADMIN)
    at_hand.apply(fleet(RESEARCHER, replace(THINKER, name="philosopher")))
    again, repeated = submit(at_hand.hub, new, ADMIN)
    assert (again.id, created, repeated) == (first.id, True, False)
    modes.cause(at_hand.hub, "disk", "no space")
    assert submit(at_hand.hub, new, ADMIN)[0].id == first.id


def test_two_polls_of_one_instance_at_once_get_no_more_than_its_slots(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for prompt in ("one", "two"):
        submit(at_hand.hub, NewTask(prompt=prompt), ADMIN)
    who = at_hand.born("researcher")
    assign, given = polling._assign, []

    def overtaken(*asked: Any) -> list[dict[str, Any]]:
        monkeypatch.setattr(polling, "_assign", assign)
        given.extend(ask(at_hand, who))  # the other poll, between this one's look and its write
        return assign(*asked)

    monkeypatch.setattr(polling, "_assign", overtaken)
    given += ask(at_hand, who)
    assert len({each["task"] for each in given}) == 1


def test_a_waiting_task_ends_at_its_deadline_and_those_without_one_cost_the_tick_nothing(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, _ = submit(at_hand.hub, NewTask(prompt="x", deadline_s=at_hand.clock.wall + 5), ADMIN)
    for number in range(50):
        submit(at_hand.hub, NewTask(prompt=f"no hurry {number}"), ADMIN)
    read, get = [], task_table.get

    def counted(txn: Txn, task_id: str) -> Task | None:
        read.append(task_id)
        return get(txn, task_id)

    monkeypatch.setattr(task_table, "get", counted)
    watch.tick(at_hand.hub)
    assert read == []
    at_hand.clock.advance(6.0)
    watch.tick(at_hand.hub)
    assert state(at_hand, late).state is TaskState.TIMED_OUT
    assert set(read) == {late.id}
