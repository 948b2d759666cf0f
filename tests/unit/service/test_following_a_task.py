"""Whoever waits for a task is answered at its next event, at its progress, and at its end."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from agentctl.errors import NotFound
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask
from agentctl.service import cancel, follow
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from tests.unit.service.conftest import ADMIN, HubAtHand

LONG_S = 3600.0  # the clock stands still: nothing but news ends such a wait


def never() -> bool:
    return False


def submitted(at_hand: HubAtHand) -> str:
    new = NewTask(prompt="think", sensitivity="confidential", agent="researcher")
    return submit(at_hand.hub, new, ADMIN)[0].id


def taken(at_hand: HubAtHand, who: AgentPrincipal) -> None:
    given = poll(at_hand.hub, who, slots=1, holds=(), wait_s=0, gone=never)
    assert [each["type"] for each in given] == ["task.assigned"]


def say(at_hand: HubAtHand, who: AgentPrincipal, task: str, kind: str, **payload: Any) -> None:
    message = {"id": f"{kind}-{len(payload)}", "type": f"task.{kind}", "task": task, "attempt": 1}
    report(at_hand.hub, who, {**message, "payload": payload})


def news(at_hand: HubAtHand, task: str, **asked: Any) -> dict[str, Any]:
    asked = {"after": 0, "progress": None, "wait_s": 0.0, "gone": never, **asked}
    return follow.events(at_hand.hub, task, ADMIN, **asked)[0]


def answered_by(wait: Callable[[], Any], happening: Callable[[], Any]) -> Any:
    """Return what `wait` answers when `happening` comes while it waits; fails when it goes on."""
    answers: list[Any] = []
    waiter = threading.Thread(target=lambda: answers.append(wait()), daemon=True)
    waiter.start()
    waiter.join(0.1)
    assert not answers, "it was answered before anything happened"
    happening()
    waiter.join(10.0)
    assert answers, "nothing woke it"
    return answers[0]


def test_events_are_numbered_and_only_those_past_the_known_are_told(at_hand: HubAtHand) -> None:
    task = submitted(at_hand)
    told = news(at_hand, task)
    assert [(each["number"], each["event"]) for each in told["events"]] == [
        (1, "submitted"),
        (2, "queued"),
    ]
    assert told["next"] == 2
    assert news(at_hand, task, after=1)["events"][0]["number"] == 2
    assert news(at_hand, task, after=2) == {**told, "events": []}


def test_a_wait_ends_with_the_next_event(at_hand: HubAtHand) -> None:
    task, who = submitted(at_hand), at_hand.born("researcher")
    told = answered_by(
        lambda: news(at_hand, task, after=2, wait_s=LONG_S), lambda: taken(at_hand, who)
    )
    assert [each["event"] for each in told["events"]] == ["leased"]
    assert (told["state"], told["ended"]) == ("leased", False)


def test_a_wait_ends_with_progress_that_is_not_known(at_hand: HubAtHand) -> None:
    task, who = submitted(at_hand), at_hand.born("researcher")
    taken(at_hand, who)
    say(at_hand, who, task, "accepted")
    say(at_hand, who, task, "progress", turns=1)
    known = news(at_hand, task, progress=0)
    assert known["progress"]["turns"] == 1
    told = answered_by(
        lambda: news(at_hand, task, after=known["next"], progress=1, wait_s=LONG_S),
        lambda: say(at_hand, who, task, "progress", turns=2, tools=5),
    )
    assert (told["progress"]["number"], told["progress"]["tools"]) == (2, 5)


def test_progress_alone_does_not_end_a_wait_for_events(at_hand: HubAtHand) -> None:
    task, who = submitted(at_hand), at_hand.born("researcher")
    taken(at_hand, who)
    say(at_hand, who, task, "accepted")

    def progress_then_end() -> None:
        say(at_hand, who, task, "progress", turns=1)
        say(at_hand, who, task, "completed", text="done")

    told = answered_by(lambda: news(at_hand, task, after=4, wait_s=LONG_S), progress_then_end)
    assert [each["event"] for each in told["events"]] == ["completed"]
    assert (told["ended"], told["progress"]) == (True, None)


def test_a_wait_for_the_end_is_ended_by_a_cancel(at_hand: HubAtHand) -> None:
    task = submitted(at_hand)
    row, new = answered_by(
        lambda: follow.task(at_hand.hub, task, ADMIN, after=None, wait_s=LONG_S, gone=never),
        lambda: cancel.cancel(at_hand.hub, task, ADMIN),
    )
    assert (row["state"], new) == ("cancelled", True)


def test_what_has_ended_is_answered_at_once(at_hand: HubAtHand) -> None:
    task = submitted(at_hand)
    cancel.cancel(at_hand.hub, task, ADMIN)
    told = news(at_hand, task, after=3, wait_s=LONG_S)
    assert (told["events"], told["ended"]) == ([], True)


def test_a_wait_ends_when_its_client_has_gone(at_hand: HubAtHand) -> None:
    told = news(at_hand, submitted(at_hand), after=2, wait_s=LONG_S, gone=lambda: True)
    assert told["events"] == []


def test_nobody_waits_for_a_task_that_is_not_there(at_hand: HubAtHand) -> None:
    with pytest.raises(NotFound):
        news(at_hand, "task-none", wait_s=LONG_S)


def test_waiting_for_many_tasks_leaves_nothing_behind(at_hand: HubAtHand) -> None:
    for _ in range(3):
        task = submitted(at_hand)
        answered_by(
            lambda task=task: news(at_hand, task, after=2, wait_s=LONG_S),  # type: ignore[misc]
            lambda task=task: cancel.cancel(at_hand.hub, task, ADMIN),  # type: ignore[misc]
        )
    assert not at_hand.hub.live.waiters._asleep
