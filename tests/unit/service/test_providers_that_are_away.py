"""A provider that is away: its work waits and goes on, and an attempt that it ended isn't spent."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.away import Away, Cause
from agentctl.model.fleet import Lifecycle
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Role
from agentctl.model.task import PUT_OFF_MAX, NewTask, Task, TaskState
from agentctl.service import alerts, ephemeral, model_calls, registry, usable, views
from agentctl.service.cancel import cancel
from agentctl.service.instances import mark as recycle
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import instances
from agentctl.store import tasks as task_table
from tests.fakes.fleet import fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

VIEWER = OperatorPrincipal(name="v", role=Role.VIEWER)
WHY = "provider ollama can't be reached at http://127.0.0.1:11434: Connection refused"
WAITS = "its work goes on by itself when it is well again"
RESEARCH = NewTask(prompt="x", sensitivity="internal", capabilities=("research",))
THINK = NewTask(prompt="x", sensitivity="internal", capabilities=("deep-reasoning",))


def row(provider: str = "ollama", agent: str = "", **more: Any) -> dict[str, Any]:
    found = {"provider": provider, "agent": agent, "cause": "unreachable", "why": WHY}
    return {**found, "trial": False, "until_s": None, **more}


def tell(at: HubAtHand, *rows: dict[str, Any], generation: int = 1) -> dict[str, Any]:
    body = {"generation": generation, "unusable": [], "away": list(rows)}
    return usable.told(at.hub, body)


def task(at: HubAtHand, task_id: str) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task_id)
    assert found is not None
    return found


def look(at: HubAtHand, who: AgentPrincipal) -> list[str]:
    found = poll(at.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    return [each["task"] for each in found]


class Attempt:
    """One attempt of a research task, held by a container that says what a test has it say."""

    def __init__(self, at: HubAtHand, replica: int = 0, who: AgentPrincipal | None = None) -> None:
        self.at = at
        self.who = who or at.born("researcher", replica=replica, container=f"c-{replica}")
        (given,) = poll(at.hub, self.who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
        self.about = {"task": given["task"], "attempt": given["attempt"]}
        self.token = given["payload"]["model_token"]
        self.container = f"c-{replica}"
        self._say("task.accepted", {})

    def calls(self, status: str) -> None:
        """Have one model call end as the gateway reports it."""
        asked = {"token": self.token, "container": self.container, "provider": "ollama"}
        asked |= {"path": "/v1/messages", "model": "qwen3"}
        opened = model_calls.open_call(self.at.hub, asked)
        assert opened["agent"] == "researcher"
        model_calls.usage(self.at.hub, opened["call"], {"status": status, "why": WHY})

    def fails(self, *, retryable: bool = True, reason: str = "api_error") -> Task:
        payload = {"reason": reason, "detail": "502", "retryable": retryable, "partial": False}
        self._say("task.failed", payload)
        return task(self.at, str(self.about["task"]))

    def _say(self, kind: str, payload: dict[str, Any]) -> None:
        number = self.about["attempt"]
        message = {"id": f"m-{kind}-{self.about['task']}-{number}", "type": kind, **self.about}
        report(self.at.hub, self.who, {**message, "payload": payload})


def test_new_and_queued_work_is_held_with_the_reason_and_goes_on(at_hand: HubAtHand) -> None:
    before, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    tell(at_hand, row())
    after, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    other, _ = submit(at_hand.hub, THINK, ADMIN)
    assert other.state is TaskState.QUEUED
    said = f"provider ollama can't be reached; {WAITS}"
    for each in (before, after):
        found = task(at_hand, each.id)
        assert (found.state, found.held_reason) == (TaskState.HELD, said)
    tell(at_hand)
    assert [task(at_hand, each.id).state for each in (before, after)] == [TaskState.QUEUED] * 2


def test_one_agents_trouble_holds_no_others_work(at_hand: HubAtHand) -> None:
    tell(at_hand, row("opus", "somebody"), row("ollama", "researcher"))
    assert submit(at_hand.hub, RESEARCH, ADMIN)[0].state is TaskState.HELD
    assert submit(at_hand.hub, THINK, ADMIN)[0].state is TaskState.QUEUED


def test_no_container_is_given_work_that_could_only_fail(at_hand: HubAtHand) -> None:
    made, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    who = at_hand.born("researcher")
    down = Away(provider="ollama", agent="", cause=Cause.UNREACHABLE, why=WHY)
    at_hand.hub.live.away = {down.key: down}  # found, and the queue not yet gone through
    assert look(at_hand, who) == []
    at_hand.hub.live.away = {}
    assert look(at_hand, who) == [made.id]


def test_a_gateway_that_just_started_is_told_what_is_held(at_hand: HubAtHand) -> None:
    tell(at_hand, row(agent="researcher", cause="quota", until_s=77))
    asked = usable.told(at_hand.hub, {"generation": 0, "unusable": []})
    assert asked["away"] == [row(agent="researcher", cause="quota", until_s=77)]
    assert submit(at_hand.hub, RESEARCH, ADMIN)[0].state is TaskState.HELD


def test_the_same_word_again_goes_through_no_queue(
    at_hand: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = row(agent="researcher", cause="quota")
    tell(at_hand, {**quota, "until_s": 77})
    rounds: list[HubAtHand] = []
    monkeypatch.setattr(usable, "reroute", lambda hub: rounds.append(at_hand))
    tell(at_hand, {**quota, "until_s": 78})
    assert rounds == []
    tell(at_hand, {**quota, "until_s": 78, "trial": True})
    assert rounds == [at_hand]


def test_operators_see_alert_status_and_plan_note(at_hand: HubAtHand) -> None:
    tell(at_hand, row(), row("gone-meanwhile"))
    alerts.look(at_hand.hub)
    (alert,) = alerts.show(at_hand.hub, VIEWER, every=False)["alerts"]
    words = f"ollama is away: {WHY}; its work is held"
    assert (alert["check"], alert["subject"], alert["words"]) == ("provider", "ollama", words)
    assert views.status(at_hand.hub, VIEWER)["away"] == {"ollama": f"away: {WHY}"}
    assert registry.agents(at_hand.hub, VIEWER)["away"] == {"ollama": f"away: {WHY}"}
    tell(at_hand)
    alerts.look(at_hand.hub)
    assert alerts.show(at_hand.hub, VIEWER, every=False)["alerts"] == []


def test_one_task_is_let_through_to_try_and_the_rest_follow(at_hand: HubAtHand) -> None:
    made = [submit(at_hand.hub, RESEARCH, ADMIN)[0].id for _ in range(3)]
    tell(at_hand, row(agent="researcher", cause="failing"))
    tell(at_hand, row(agent="researcher", cause="failing", trial=True))
    assert [task(at_hand, each).state for each in made] == [
        TaskState.QUEUED,
        TaskState.HELD,
        TaskState.HELD,
    ]
    assert task(at_hand, made[1]).held_reason.endswith("; one task tries it")
    assert submit(at_hand.hub, RESEARCH, ADMIN)[0].state is TaskState.HELD
    assert look(at_hand, at_hand.born("researcher")) == [made[0]]
    tell(at_hand)
    assert {task(at_hand, each).state for each in made[1:]} == {TaskState.QUEUED}


def test_a_task_that_met_the_trouble_lets_others_try_first(at_hand: HubAtHand) -> None:
    """Else a task whose own calls bring the failures about would keep the others waiting."""
    poisoned, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    attempt = Attempt(at_hand)
    other, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    tell(at_hand, row(agent="researcher", cause="failing"))
    attempt.calls("provider-away")
    assert attempt.fails().state is TaskState.HELD
    tell(at_hand, row(agent="researcher", cause="failing", trial=True))
    assert task(at_hand, other.id).state is TaskState.QUEUED
    assert task(at_hand, poisoned.id).state is TaskState.HELD


@pytest.mark.parametrize("retryable", [True, False])
def test_an_attempt_that_the_provider_ended_is_not_spent(
    at_hand: HubAtHand, retryable: bool
) -> None:
    made, _ = submit(at_hand.hub, replace(RESEARCH, max_attempts=1), ADMIN)
    attempt = Attempt(at_hand)
    tell(at_hand, row())
    attempt.calls("provider-away")
    found = attempt.fails(retryable=retryable)
    assert (found.state, found.attempt, found.put_off) == (TaskState.HELD, 1, 1)
    assert found.held_reason == f"provider ollama can't be reached; {WAITS}"
    assert found.error == WHY
    events = views.task(at_hand.hub, made.id, ADMIN)["events"]
    assert [each["event"] for each in events][-1] == "put_off"
    tell(at_hand)
    assert look(at_hand, attempt.who) == [made.id]
    assert task(at_hand, made.id).attempt == 2


def test_what_was_put_off_after_the_provider_came_back_goes_on_at_once(at_hand: HubAtHand) -> None:
    submit(at_hand.hub, RESEARCH, ADMIN)
    attempt = Attempt(at_hand)
    tell(at_hand, row())
    attempt.calls("provider-away")
    tell(at_hand)
    found = attempt.fails()
    assert (found.state, found.put_off) == (TaskState.QUEUED, 1)


@pytest.mark.parametrize("word", ["500", "529", "upstream-failed", "client gone", "refused"])
def test_an_agents_word_alone_gives_no_attempt_back(at_hand: HubAtHand, word: str) -> None:
    made, _ = submit(at_hand.hub, replace(RESEARCH, max_attempts=1), ADMIN)
    attempt = Attempt(at_hand)
    attempt.calls(word)
    found = attempt.fails()
    assert (found.id, found.state, found.put_off) == (made.id, TaskState.DEAD, 0)


def test_nor_does_what_the_gateway_said_of_another_attempt_or_before_a_good_call(
    at_hand: HubAtHand,
) -> None:
    desired = fleet()
    twice = tuple(replace(each, replicas=2) for each in desired.agents)
    at_hand.apply(replace(desired, agents=twice))
    for _ in range(2):
        submit(at_hand.hub, replace(RESEARCH, max_attempts=1), ADMIN)
    first, second = Attempt(at_hand), Attempt(at_hand, replica=1)
    first.calls("provider-away")
    first.calls("200")
    second.calls("200")
    assert first.fails().state is TaskState.DEAD
    assert second.fails().state is TaskState.DEAD


def test_a_task_of_an_ephemeral_agent_gets_a_fresh_container_after_it(at_hand: HubAtHand) -> None:
    desired = fleet()
    fresh = tuple(replace(each, lifecycle=Lifecycle.EPHEMERAL) for each in desired.agents)
    at_hand.apply(replace(desired, agents=fresh))
    made, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    who = at_hand.born("researcher", container="c-0", task=made.id)
    attempt = Attempt(at_hand, who=who)
    tell(at_hand, row(), generation=2)
    attempt.calls("provider-away")
    assert attempt.fails().state is TaskState.HELD
    with at_hand.hub.store.read() as txn:
        spent = instances.get(txn, who.instance)
        assert spent is not None
        assert ephemeral.spent(at_hand.hub, txn, spent, works=False) == "its lease is lost"
        assert ephemeral.wanted(at_hand.hub, txn) == [], "none is made while it waits"
    recycle(at_hand.hub, who.instance, "recycled", "spent")
    tell(at_hand, generation=2)
    with at_hand.hub.store.read() as txn:
        assert [each.id for each in ephemeral.wanted(at_hand.hub, txn)] == [made.id]


def test_attempts_given_back_are_bounded(at_hand: HubAtHand) -> None:
    made, _ = submit(at_hand.hub, replace(RESEARCH, max_attempts=1), ADMIN)
    who: AgentPrincipal | None = None
    for times in range(1, PUT_OFF_MAX + 1):
        attempt = Attempt(at_hand, who=who)
        who = attempt.who
        attempt.calls("provider-away")
        assert attempt.fails().put_off == times
    last = Attempt(at_hand, who=who)
    last.calls("provider-away")
    assert last.fails().state is TaskState.DEAD
    assert task(at_hand, made.id).attempt == PUT_OFF_MAX + 1


def test_a_held_task_still_has_its_deadline_and_can_be_cancelled(at_hand: HubAtHand) -> None:
    tell(at_hand, row())
    made, _ = submit(at_hand.hub, RESEARCH, ADMIN)
    cancel(at_hand.hub, made.id, ADMIN)
    assert task(at_hand, made.id).state is TaskState.CANCELLED
