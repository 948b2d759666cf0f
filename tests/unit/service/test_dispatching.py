"""Who gets a task, who may speak of it, and what a stale holder changes: nothing."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Conflict, Refused, Unauthenticated
from agentctl.model.instance import InstanceState
from agentctl.model.mode import Mode, ModeName
from agentctl.model.principal import AgentPrincipal, Peer
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import authenticate, instances, model_calls, watch
from agentctl.service.cancel import cancel
from agentctl.service.live import Live
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import Txn, task_events
from agentctl.store import instances as instance_table
from agentctl.store import tasks as task_table
from tests.fakes.fleet import OPERATORS_DISPATCH, PUBLIC, RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand


def ask(
    at: HubAtHand, who: AgentPrincipal, *holds: tuple[str, int], slots: int = 1
) -> list[dict[str, Any]]:
    return poll(at.hub, who, slots=slots, holds=holds, wait_s=0.0, gone=lambda: False)


def say(
    at: HubAtHand, who: AgentPrincipal, kind: str, task: Task, attempt: int = 1, **payload: Any
) -> dict[str, Any]:
    message = {
        "id": f"{kind}-{task.id[-4:]}-{attempt}",
        "type": kind,
        "task": task.id,
        "attempt": attempt,
        "payload": payload,
    }
    return report(at.hub, who, message)


def state(at: HubAtHand, task: Task) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task.id)
    assert found is not None
    return found


@pytest.fixture
def task(at_hand: HubAtHand) -> Task:
    return submit(at_hand.hub, NewTask(prompt="do it"), ADMIN)[0]


def test_the_first_poll_takes_the_task_and_the_second_gets_nothing(
    at_hand: HubAtHand, task: Task
) -> None:
    first, second = at_hand.born("researcher"), None
    given = ask(at_hand, first)
    assert [(each["type"], each["task"], each["attempt"]) for each in given] == [
        ("task.assigned", task.id, 1)
    ]
    assert given[0]["payload"]["prompt"] == "do it"
    at_hand.apply(fleet(replace(RESEARCHER, replicas=2), THINKER))
    second = at_hand.born("researcher", replica=1)
    assert ask(at_hand, second) == []


def test_an_agent_gets_only_its_own_work(at_hand: HubAtHand, task: Task) -> None:
    assert ask(at_hand, at_hand.born("thinker")) == []
    assert state(at_hand, task).state is TaskState.QUEUED


def test_what_is_leased_but_not_held_is_assigned_again_with_the_same_token(
    at_hand: HubAtHand, task: Task
) -> None:
    who = at_hand.born("researcher")
    assert ask(at_hand, who) == ask(at_hand, who)
    assert ask(at_hand, who, (task.id, 1)) == []


def test_a_task_runs_to_its_result_with_the_containers_label(
    at_hand: HubAtHand,
) -> None:
    task, _ = submit(
        at_hand.hub, NewTask(prompt="x", sensitivity="internal", agent="researcher"), ADMIN
    )
    who = at_hand.born("researcher")
    ask(at_hand, who)
    say(at_hand, who, "task.accepted", task)
    assert state(at_hand, task).state is TaskState.RUNNING
    say(at_hand, who, "task.completed", task, text="four", cost_usd=0.5)
    done = state(at_hand, task)
    assert done.result is not None
    assert (done.state, done.result.text, done.result.label, done.usage.cost_usd) == (
        TaskState.COMPLETED,
        "four",
        "confidential",
        0.5,
    )


def test_a_repeated_result_gets_the_first_answer_and_changes_nothing(
    at_hand: HubAtHand, task: Task
) -> None:
    who = at_hand.born("researcher")
    ask(at_hand, who)
    say(at_hand, who, "task.accepted", task)
    first = say(at_hand, who, "task.completed", task, text="four")
    before = state(at_hand, task)
    assert say(at_hand, who, "task.completed", task, text="four") == first
    assert state(at_hand, task) == before
    with pytest.raises(Conflict, match="was used for another message"):
        say(at_hand, who, "task.completed", task, text="five")


def test_a_result_for_somebody_elses_task_is_a_conflict(at_hand: HubAtHand, task: Task) -> None:
    ask(at_hand, at_hand.born("researcher"))
    thief = at_hand.born("thinker")
    with pytest.raises(Conflict, match="is not held by"):
        say(at_hand, thief, "task.completed", task, text="mine")
    assert state(at_hand, task).state is TaskState.LEASED


def test_an_expired_attempt_may_say_nothing_more(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    ask(at_hand, who)
    say(at_hand, who, "task.accepted", task)
    at_hand.clock.advance(31)
    watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.QUEUED
    with pytest.raises(Conflict):
        say(at_hand, who, "task.completed", task, text="late")
    assert [each["type"] for each in ask(at_hand, who, (task.id, 1), slots=0)] == ["task.lost"]
    assert ask(at_hand, who)[0]["attempt"] == 2


def test_heartbeats_keep_a_lease(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    ask(at_hand, who)
    say(at_hand, who, "task.accepted", task)
    for _ in range(5):
        at_hand.clock.advance(20)
        beat = {
            "id": "b",
            "type": "agent.heartbeat",
            "payload": {"holds": [{"task": task.id, "attempt": 1}]},
        }
        assert report(at_hand.hub, who, beat)["lost"] == []
        watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.RUNNING


def test_a_heartbeat_learns_what_it_lost(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    beat = {
        "id": "b",
        "type": "agent.heartbeat",
        "payload": {"holds": [{"task": task.id, "attempt": 1}]},
    }
    assert report(at_hand.hub, who, beat)["lost"] == [{"task": task.id, "attempt": 1}]


def test_a_cancelled_task_is_taken_back_at_the_next_poll(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    ask(at_hand, who)
    cancel(at_hand.hub, task.id, ADMIN)
    assert [(each["type"], each["task"]) for each in ask(at_hand, who, (task.id, 1), slots=0)] == [
        ("task.cancel", task.id)
    ]


def test_attempts_are_bounded(at_hand: HubAtHand) -> None:
    task, _ = submit(at_hand.hub, NewTask(prompt="x", max_attempts=2), ADMIN)
    who = at_hand.born("researcher")
    for attempt in (1, 2):
        ask(at_hand, who)
        say(at_hand, who, "task.accepted", task, attempt)
        say(
            at_hand,
            who,
            "task.failed",
            task,
            attempt,
            reason="crashed",
            detail="it broke",
            retryable=True,
            partial=False,
        )
    assert (state(at_hand, task).state, state(at_hand, task).error) == (TaskState.DEAD, "it broke")
    with at_hand.hub.store.read() as txn:
        told = [(each.event, each.detail) for each in task_events.of(txn, task.id)]
    assert [each for each in told if each[0] == "accepted"] == [("accepted", "")] * 2
    assert told[-1] == ("dead", "it broke")


def test_a_container_born_for_a_wider_boundary_gets_no_work_above_it(at_hand: HubAtHand) -> None:
    """The provider becomes private in the files; the old container was born for the public one."""
    old = at_hand.born("thinker")
    moved = replace(PUBLIC, boundary="private", base_url="http://10.0.0.8:8000")
    at_hand.apply(
        fleet(
            RESEARCHER,
            replace(THINKER, clearance="restricted"),
            providers=(moved, *fleet().providers[:1]),
        )
    )
    task, _ = submit(at_hand.hub, NewTask(prompt="x", sensitivity="restricted"), ADMIN)
    assert state(at_hand, task).agent == "thinker"
    assert ask(at_hand, old) == []


def test_hand_out_asks_policy_again(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    at_hand.hub.fleet = type(at_hand.hub.fleet).of(  # type: ignore[union-attr]
        replace(at_hand.hub.fleet.generation, desired=fleet(access=()))  # type: ignore[union-attr]
    )
    assert ask(at_hand, who) == []


def test_a_draining_container_gets_no_more_work(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    instances.drain(at_hand.hub, who.instance, "spec changed")
    assert ask(at_hand, who) == []


def test_degraded_hands_out_nothing_and_rests_expiry(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    at_hand.hub.live.causes["store"] = "disk full"
    at_hand.hub.live.mode = Mode(name=ModeName.DEGRADED, reason="disk full")
    assert ask(at_hand, who) == []
    at_hand.hub.live.mode = Mode()
    ask(at_hand, who)
    at_hand.hub.live.mode = Mode(name=ModeName.DEGRADED, reason="disk full")
    at_hand.clock.advance(100)
    watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.LEASED


def test_after_a_restart_every_lease_gets_one_period_more(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher")
    ask(at_hand, who)
    at_hand.clock.advance(29)
    at_hand.clock.boot_id = "boot-2"
    assert watch.renew_all(at_hand.hub) == 1
    at_hand.clock.advance(29)
    watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.LEASED


def test_a_deadline_ends_a_task_wherever_it_is(at_hand: HubAtHand) -> None:
    task, _ = submit(
        at_hand.hub, NewTask(prompt="x", deadline_s=at_hand.clock.wall_s() + 10), ADMIN
    )
    at_hand.clock.advance(11)
    watch.tick(at_hand.hub)
    assert state(at_hand, task).state is TaskState.TIMED_OUT


def test_when_its_container_is_gone_credentials_and_leases_die_at_once(
    at_hand: HubAtHand, task: Task
) -> None:
    who = at_hand.born("researcher")
    ask(at_hand, who)
    instances.mark(at_hand.hub, who.instance, InstanceState.RECYCLED.value, "exited")
    assert state(at_hand, task).state is TaskState.QUEUED
    with pytest.raises(Unauthenticated):
        ask(at_hand, who)


def test_a_token_works_from_its_own_container_only(at_hand: HubAtHand) -> None:
    who = at_hand.born("researcher", container="c-1")
    with at_hand.hub.store.read() as txn:
        born = instance_table.get(txn, who.instance)
    assert born is not None
    sold, _ = at_hand.hub.signer.issue(
        spiffe_id=who.spiffe_id,
        audience=authenticate.AUDIENCE,
        provider="",
        boundary="",
        now_s=at_hand.clock.wall_s(),
        lifetime_s=300.0,
    )
    assert authenticate.agent(at_hand.hub, sold, Peer(container="c-1")) == who
    for elsewhere in (Peer(container="c-2"), Peer(), Peer(pid=1, uid=0)):
        with pytest.raises(Unauthenticated, match="own container only"):
            authenticate.agent(at_hand.hub, sold, elsewhere)


def test_an_svid_dies_after_its_minutes_even_when_remembered(at_hand: HubAtHand) -> None:
    who = at_hand.born("researcher", container="c-1")
    sold, _ = at_hand.hub.signer.issue(
        spiffe_id=who.spiffe_id,
        audience=authenticate.AUDIENCE,
        provider="",
        boundary="",
        now_s=at_hand.clock.wall_s(),
        lifetime_s=300.0,
    )
    authenticate.agent(at_hand.hub, sold, Peer(container="c-1"))
    at_hand.clock.advance(301)
    with pytest.raises(Unauthenticated):
        authenticate.agent(at_hand.hub, sold, Peer(container="c-1"))


def call(at: HubAtHand, token: str, **changed: str) -> dict[str, Any]:
    body = {
        "token": token,
        "container": "c-1",
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
        **changed,
    }
    return model_calls.open_call(at.hub, body)


def test_a_model_call_goes_to_the_containers_provider_and_nowhere_else(
    at_hand: HubAtHand, task: Task
) -> None:
    who = at_hand.born("researcher", container="c-1")
    token = ask(at_hand, who)[0]["payload"]["model_token"]
    assert call(at_hand, token)["provider"]["base_url"] == "http://127.0.0.1:11434"
    for wrong in ({"provider": "opus"}, {"path": "/v1/files"}, {"model": "qwen3:cloud"}):
        with pytest.raises(Refused):
            call(at_hand, token, **wrong)
    for wrong_place in ("c-2", ""):
        with pytest.raises(Unauthenticated, match="own container only"):
            call(at_hand, token, container=wrong_place)


def test_a_superseded_attempt_cannot_spend(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher", container="c-1")
    token = ask(at_hand, who)[0]["payload"]["model_token"]
    opened = call(at_hand, token)["call"]
    assert model_calls.current(at_hand.hub, [opened, "call-unknown"]) == [opened]
    at_hand.clock.advance(31)
    watch.tick(at_hand.hub)
    assert model_calls.current(at_hand.hub, [opened]) == []
    with pytest.raises(Conflict, match="no longer current"):
        call(at_hand, token)
    fresh = ask(at_hand, who)[0]["payload"]["model_token"]
    assert fresh != token
    with pytest.raises(Conflict, match="no longer current"):
        call(at_hand, token)


def test_a_forged_model_token_is_worth_nothing(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher", container="c-1")
    token = ask(at_hand, who)[0]["payload"]["model_token"]
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    for each in (forged, "", "mt1", f"mt1.{task.id}.1.", token + "\n"):
        with pytest.raises(Unauthenticated):
            call(at_hand, each)


def test_a_forged_token_of_an_earlier_attempt_tells_nothing_of_the_task(
    at_hand: HubAtHand, task: Task
) -> None:
    """That a task exists, and how often it was tried, is for those alone who were given a token of it."""
    who = at_hand.born("researcher", container="c-1")
    first = ask(at_hand, who)[0]["payload"]["model_token"]
    at_hand.clock.advance(31)
    watch.tick(at_hand.hub)
    ask(at_hand, who)
    forged = first[:-1] + ("A" if first[-1] != "A" else "B")
    answers = set()
    for each in (forged, forged.replace(".1.", ".3."), forged.replace(task.id, "task-none")):
        with pytest.raises(Unauthenticated) as refused:
            call(at_hand, each)
        answers.add(str(refused.value))
    assert len(answers) == 1
    with pytest.raises(Unauthenticated, match="own container only"):
        call(at_hand, first, container="c-2")
    with pytest.raises(Conflict, match="no longer current"):
        call(at_hand, first)


def test_a_container_that_has_ended_spends_nothing_whatever_its_lease_says(
    at_hand: HubAtHand, task: Task
) -> None:
    """A restore ends containers where no hub runs: their leases run out by themselves."""
    who = at_hand.born("researcher", container="c-1")
    token = ask(at_hand, who)[0]["payload"]["model_token"]

    def end(txn: Txn) -> None:
        instance = instance_table.get(txn, who.instance)
        assert instance is not None
        instance_table.recycle(txn, instance, reason="restored", at_s=1.0)

    at_hand.hub.store.write(end)
    with pytest.raises(Conflict, match="no longer current"):
        call(at_hand, token)


def test_what_a_call_used_stands_on_the_task_once(at_hand: HubAtHand, task: Task) -> None:
    who = at_hand.born("researcher", container="c-1")
    token = ask(at_hand, who)[0]["payload"]["model_token"]
    opened = call(at_hand, token)["call"]
    for _ in range(2):
        model_calls.usage(at_hand.hub, opened, {"input_tokens": 10, "output_tokens": 3})
    used = state(at_hand, task).usage
    assert (used.input_tokens, used.output_tokens, used.calls) == (10, 3, 1)


def test_a_restarted_hub_knows_the_calls_that_it_granted_before(
    at_hand: HubAtHand, task: Task
) -> None:
    who = at_hand.born("researcher", container="c-1")
    opened = call(at_hand, ask(at_hand, who)[0]["payload"]["model_token"])["call"]
    at_hand.hub.live = Live()
    assert model_calls.current(at_hand.hub, [opened]) == [opened]
    model_calls.usage(at_hand.hub, opened, {"input_tokens": 10, "output_tokens": 3})
    at_hand.hub.live = Live()
    model_calls.usage(at_hand.hub, opened, {"input_tokens": 10, "output_tokens": 3})
    assert state(at_hand, task).usage.input_tokens == 10


def test_two_containers_never_live_at_one_place(at_hand: HubAtHand) -> None:
    at_hand.born("researcher")
    with pytest.raises(Conflict, match="already lives at local/researcher/0"):
        at_hand.born("researcher")


def test_another_agent_of_the_rule_is_not_this_one(bare: HubAtHand) -> None:
    narrow = replace(OPERATORS_DISPATCH, target="agent:thinker")
    bare.apply(fleet(access=(narrow,)))
    task, _ = submit(bare.hub, NewTask(prompt="x", sensitivity="confidential"), ADMIN)
    assert (task.state, "policy" in task.held_reason) == (TaskState.HELD, True)
