"""A task can be cancelled in every state that isn't final; whoever holds it is told at once."""

import threading
from typing import Any

import pytest

from agentctl.errors import Conflict, NotFound
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service.cancel import cancel
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from tests.unit.service.conftest import ADMIN, HubAtHand


def never() -> bool:
    return False


def held(at_hand: HubAtHand) -> Task:
    new = NewTask(prompt="x", sensitivity="confidential", capabilities=("deep-reasoning",))
    return submit(at_hand.hub, new, ADMIN)[0]


def queued(at_hand: HubAtHand) -> Task:
    return submit(at_hand.hub, NewTask(prompt="x", agent="researcher"), ADMIN)[0]


def leased(at_hand: HubAtHand) -> Task:
    task = queued(at_hand)
    poll(at_hand.hub, at_hand.born("researcher"), slots=1, holds=(), wait_s=0.0, gone=never)
    return task


@pytest.mark.parametrize("made", [held, queued, leased])
def test_what_has_not_ended_is_cancelled_and_twice_is_once(at_hand: HubAtHand, made: Any) -> None:
    task = made(at_hand)
    ended = cancel(at_hand.hub, task.id, ADMIN)
    assert (ended.state, ended.lease) == (TaskState.CANCELLED, None)
    assert cancel(at_hand.hub, task.id, ADMIN) == ended


def test_a_cancelled_task_is_given_to_nobody(at_hand: HubAtHand) -> None:
    cancel(at_hand.hub, queued(at_hand).id, ADMIN)
    who = at_hand.born("researcher")
    assert poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=never) == []


def test_who_holds_it_is_told_without_waiting_for_its_next_poll(at_hand: HubAtHand) -> None:
    task, who = queued(at_hand), at_hand.born("researcher")
    poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=never)
    told: list[dict[str, Any]] = []

    def wait() -> None:  # the clock stands still: only a wake ends this poll
        holds = [(task.id, 1)]
        told.extend(poll(at_hand.hub, who, slots=0, holds=holds, wait_s=3600.0, gone=never))

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    waiter.join(0.1)
    assert not told
    cancel(at_hand.hub, task.id, ADMIN)
    waiter.join(10.0)
    assert [(each["type"], each["task"]) for each in told] == [("task.cancel", task.id)]


def test_the_result_of_a_cancelled_task_changes_nothing(at_hand: HubAtHand) -> None:
    task, who = queued(at_hand), at_hand.born("researcher")
    poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=never)
    cancel(at_hand.hub, task.id, ADMIN)
    done = {"id": "d", "type": "task.completed", "task": task.id, "attempt": 1}
    with pytest.raises(Conflict):
        report(at_hand.hub, who, {**done, "payload": {"text": "too late"}})


def test_what_is_not_there_cannot_be_cancelled(at_hand: HubAtHand) -> None:
    with pytest.raises(NotFound):
        cancel(at_hand.hub, "task-none", ADMIN)
