"""The answer to a result hands out what a poll would, in the result's own commit; what is lost comes again."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Conflict, StateDamaged
from agentctl.model.mode import Mode, ModeName
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import instances, next_task
from agentctl.service import poll as polling
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

Row = dict[str, Any]


def work(at: HubAtHand, **asked: Any) -> Task:
    return submit(at.hub, NewTask(prompt="do it", **asked), ADMIN)[0]


def accept(at: HubAtHand, who: AgentPrincipal, task: Task) -> None:
    said = result(task) | {"id": f"{task.id}.1.ok", "type": "task.accepted", "payload": {}}
    report(at.hub, who, said)


def look(at: HubAtHand, who: AgentPrincipal, *holds: tuple[str, int], slots: int = 1) -> list[Row]:
    return poll(at.hub, who, slots=slots, holds=holds, wait_s=0.0, gone=lambda: False)


def result(task: Task, attempt: int = 1, kind: str = "task.completed", **failed: str | bool) -> Row:
    said = {"text": "done"} | failed
    name = f"{task.id}.{attempt}.end"
    return {"id": name, "type": kind, "task": task.id, "attempt": attempt, "payload": said}


def settle(
    at: HubAtHand, who: AgentPrincipal, said: Row, *holds: tuple[str, int], slots: int = 1
) -> Row:
    return report(at.hub, who, said, slots=slots, holds=holds)


def given(answer: Row) -> list[tuple[str, str]]:
    return [(each["type"], each["task"]) for each in answer.get("messages", [])]


def state(at: HubAtHand, task: Task) -> TaskState:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task.id)
    assert found is not None
    return found.state


@pytest.fixture
def who(at_hand: HubAtHand) -> AgentPrincipal:
    return at_hand.born("researcher")


@pytest.fixture
def first(at_hand: HubAtHand, who: AgentPrincipal) -> Task:
    """A task that runs in the container."""
    task = work(at_hand)
    assert look(at_hand, who)
    accept(at_hand, who, task)
    return task


def test_it_is_leased_in_the_commit_that_settles(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    second = work(at_hand)
    before = at_hand.hub.store.figures().commits
    answer = settle(at_hand, who, result(first))
    assert given(answer) == [("task.assigned", second.id)]
    assert at_hand.hub.store.figures().commits == before + 1
    assert (state(at_hand, first), state(at_hand, second)) == (
        TaskState.COMPLETED,
        TaskState.LEASED,
    )


def test_what_comes_is_what_a_poll_would_have_brought(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    work(at_hand)
    assert settle(at_hand, who, result(first))["messages"] == look(at_hand, who)


def test_nothing_comes_without_a_free_slot_or_work(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    assert "messages" not in settle(at_hand, who, result(first))
    task = work(at_hand)
    look(at_hand, who)
    accept(at_hand, who, task)
    work(at_hand)
    assert "messages" not in settle(at_hand, who, result(task), slots=0)


def test_other_words_than_a_result_bring_nothing(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    work(at_hand)
    beat = {"id": "b", "type": "agent.heartbeat", "payload": {"holds": []}}
    accepted = result(first) | {"id": f"{first.id}.1.ok", "type": "task.accepted", "payload": {}}
    for said in (beat, accepted):
        assert "messages" not in settle(at_hand, who, said, (first.id, 1), slots=2)


def test_what_is_lost_on_the_way_comes_again_and_nothing_beside_it(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    second, third = work(at_hand), work(at_hand)
    lost = settle(at_hand, who, result(first))
    again = settle(at_hand, who, result(first))
    assert again == {name: each for name, each in lost.items() if name != "messages"}
    assert given({"messages": look(at_hand, who)}) == [("task.assigned", second.id)]
    assert state(at_hand, third) is TaskState.QUEUED


def test_a_container_that_claims_many_slots_gets_no_more_than_it_has(
    at_hand: HubAtHand, who: AgentPrincipal
) -> None:
    tasks = [work(at_hand) for _ in range(3)]
    assert len(look(at_hand, who, slots=64)) == 1
    for holds in ((), ((tasks[0].id, 1),)):
        found = poll(at_hand.hub, who, slots=64, holds=holds, wait_s=0.0, gone=lambda: False)
        assert {each["task"] for each in found} <= {tasks[0].id}
    accept(at_hand, who, tasks[0])
    answer = settle(at_hand, who, result(tasks[0]), slots=64)
    assert given(answer) == [("task.assigned", tasks[1].id)]
    assert state(at_hand, tasks[2]) is TaskState.QUEUED


def test_slots_that_other_tasks_take_are_not_filled_twice(
    at_hand: HubAtHand, who: AgentPrincipal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "SLOTS", 2)
    tasks = [work(at_hand) for _ in range(4)]
    assert len(look(at_hand, who, slots=2)) == 2
    for each in tasks[:2]:
        accept(at_hand, who, each)
    answer = settle(at_hand, who, result(tasks[0]), (tasks[1].id, 1), slots=1)
    assert given(answer) == [("task.assigned", tasks[2].id)]
    # a poll was given tasks[2] meanwhile: whoever doesn't name it gets nothing beside it
    assert "messages" not in settle(at_hand, who, result(tasks[1]), slots=1)


def test_a_stale_attempt_brings_nothing(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    second = work(at_hand)
    with pytest.raises(Conflict):
        settle(at_hand, who, result(first, attempt=2))
    assert state(at_hand, second) is TaskState.QUEUED


def test_a_draining_container_settles_and_gets_no_more(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    second = work(at_hand)
    instances.drain(at_hand.hub, who.instance, "spec changed")
    assert "messages" not in settle(at_hand, who, result(first))
    assert (state(at_hand, first), state(at_hand, second)) == (
        TaskState.COMPLETED,
        TaskState.QUEUED,
    )


def test_degraded_settles_and_hands_out_nothing(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    second = work(at_hand)
    at_hand.hub.live.mode = Mode(name=ModeName.DEGRADED, reason="no engine")
    assert "messages" not in settle(at_hand, who, result(first))
    assert (state(at_hand, first), state(at_hand, second)) == (
        TaskState.COMPLETED,
        TaskState.QUEUED,
    )


def test_no_longer_cleared_is_not_handed_out(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    second = work(at_hand, sensitivity="confidential", agent="researcher")
    at_hand.apply(fleet(replace(RESEARCHER, clearance="internal"), THINKER))
    assert "messages" not in settle(at_hand, who, result(first))
    assert state(at_hand, second) is not TaskState.LEASED


def test_a_result_settles_though_nothing_can_be_handed_out(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged record of another task must not keep this one's result from being settled."""

    def damaged(*_: Any) -> list[Row]:
        raise StateDamaged("record task-2 of table tasks is damaged")

    monkeypatch.setattr(next_task, "assign", damaged)
    answer = settle(at_hand, who, result(first))
    assert answer == {"id": f"{first.id}.1.end", "accepted": True}
    assert state(at_hand, first) is TaskState.COMPLETED


def test_an_attempt_to_be_tried_again_may_come_with_its_own_failure(
    at_hand: HubAtHand, who: AgentPrincipal, first: Task
) -> None:
    said = result(
        first, kind="task.failed", reason="crashed", detail="", retryable=True, partial=False
    )
    answer = settle(at_hand, who, said)
    assert given(answer) == [("task.assigned", first.id)]
    assert answer["messages"][0]["attempt"] == 2
