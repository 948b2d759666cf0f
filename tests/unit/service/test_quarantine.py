"""An agent set apart: nothing of it counts from that instant, its work goes on elsewhere, no file lifts it."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import AgentctlError, Conflict, NotFound, Refused, Unauthenticated
from agentctl.model.instance import InstanceState
from agentctl.model.mode import ModeName
from agentctl.model.principal import OperatorPrincipal, Peer, Role
from agentctl.model.task import NewTask, TaskState
from agentctl.service import (
    alerts,
    authenticate,
    colleagues,
    instances,
    model_calls,
    modes,
    quarantine,
    reconciling,
    registry,
    views,
)
from agentctl.service.submit import submit
from agentctl.store import instances as instance_table
from agentctl.store import quarantined_agents
from agentctl.store import tasks as task_table
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.fakes.talk import (
    DEVELOPER,
    PUBLISHING,
    Talker,
    at_work,
    lines,
    refused,
    taken_up,
    talkers,
)
from tests.unit.service.conftest import ADMIN, HubAtHand

OPERATOR = OperatorPrincipal(name="token:ops", role=Role.OPERATOR)
TWIN = replace(RESEARCHER, name="twin")


@pytest.fixture
def office(bare: HubAtHand) -> HubAtHand:
    bare.apply(talkers(PUBLISHING, DEVELOPER, THINKER))
    return bare


@pytest.fixture
def researcher(office: HubAtHand) -> Talker:
    return at_work(office, "researcher")


@pytest.fixture
def developer(office: HubAtHand) -> Talker:
    return at_work(office, "developer")


def set_apart(at: HubAtHand, agent: str = "researcher", why: str = "odd calls") -> dict[str, Any]:
    return quarantine.quarantine(at.hub, agent, OPERATOR, why=why)


def release(at: HubAtHand, agent: str = "researcher") -> dict[str, Any]:
    return quarantine.release(at.hub, agent, OPERATOR, why="looked at")


def task_of(at: HubAtHand, task: str) -> Any:
    with at.hub.store.read() as txn:
        return task_table.get(txn, task)


def named(at: HubAtHand, agent: str, **more: Any) -> str:
    return submit(at.hub, NewTask(prompt="x", agent=agent, **more), ADMIN)[0].id


def test_it_is_on_record_by_whom_and_why_and_what_it_ended(
    office: HubAtHand, researcher: Talker
) -> None:
    found = set_apart(office)
    assert found == {
        "agent": "researcher",
        "who": "operator:token:ops",
        "why": "odd calls",
        "since_s": office.clock.wall_s(),
        "containers": 1,
        "tasks": [researcher.task],
    }
    (line,) = lines(office, "agent.quarantined")
    assert (line.entry.who, line.entry.subject) == ("operator:token:ops", "researcher")
    assert line.entry.facts == {"why": "odd calls", "containers": "1", "tasks": researcher.task}
    release(office)
    (line,) = lines(office, "agent.released")
    assert (line.entry.who, line.entry.subject) == ("operator:token:ops", "researcher")
    assert line.entry.facts["why"] == "looked at"


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CI])
def test_it_takes_an_operator(office: HubAtHand, role: Role) -> None:
    who = OperatorPrincipal(name="x", role=role)
    with pytest.raises(Refused):
        quarantine.quarantine(office.hub, "researcher", who, why="")
    set_apart(office)
    with pytest.raises(Refused):
        quarantine.release(office.hub, "researcher", who, why="")


def test_its_credentials_are_worth_nothing_at_once(at_hand: HubAtHand) -> None:
    reserved = at_hand.reserve("researcher")
    boot = instances.bind(at_hand.hub, reserved["instance"], "c-1")["boot"]
    peer = Peer(container="c-1")
    svid = str(authenticate.svid(at_hand.hub, boot["instance_token"], peer)["svid"])
    assert authenticate.agent(at_hand.hub, svid, peer).agent == "researcher"
    set_apart(at_hand)
    with pytest.raises(Unauthenticated, match="has ended"):
        authenticate.agent(at_hand.hub, svid, peer)
    with pytest.raises(Unauthenticated):
        authenticate.svid(at_hand.hub, boot["instance_token"], peer)
    release(at_hand)
    with pytest.raises(Unauthenticated):  # what it had before never comes back
        authenticate.agent(at_hand.hub, svid, peer)


def test_what_it_worked_on_is_taken_back_and_its_attempt_is_dead(
    office: HubAtHand, researcher: Talker
) -> None:
    lease = task_of(office, researcher.task).lease
    call = {
        "token": office.hub.seal.model_token(researcher.task, 1, lease.instance),
        "container": lease.container,
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
    }
    opened = model_calls.open_call(office.hub, call)["call"]
    set_apart(office)
    assert model_calls.current(office.hub, [opened]) == []
    with pytest.raises(Conflict):
        model_calls.open_call(office.hub, call)
    assert task_of(office, researcher.task).state is TaskState.HELD


def test_who_set_it_apart_and_why_is_in_no_task_since_delegators_read_those(
    office: HubAtHand,
) -> None:
    task = named(office, "researcher", max_attempts=1)
    taken_up(Talker(office, office.born("researcher"), task))
    set_apart(office)
    found = task_of(office, task)
    assert (found.state, found.error) == (TaskState.DEAD, "its agent is quarantined")


def test_its_work_goes_to_others_that_may_take_it(at_hand: HubAtHand) -> None:
    at_hand.apply(fleet(RESEARCHER, TWIN, THINKER))
    worker = at_work(at_hand, "researcher")
    waits = submit(at_hand.hub, NewTask(prompt="y", capabilities=("research",)), ADMIN)[0]
    anybodys = replace(task_of(at_hand, worker.task), agent_wanted=None)
    at_hand.hub.store.write(lambda txn: task_table.put(txn, anybodys))
    set_apart(at_hand)
    found = [task_of(at_hand, each) for each in (waits.id, worker.task)]
    assert [(each.state.value, each.agent) for each in found] == [
        ("queued", "twin"),
        ("queued", "thinker"),
    ]


def test_what_only_it_could_do_is_held_with_the_reason_until_it_is_released(
    at_hand: HubAtHand,
) -> None:
    before = named(at_hand, "researcher")
    set_apart(at_hand)
    after = named(at_hand, "researcher")
    for task in (before, after):
        found = task_of(at_hand, task)
        assert found.state is TaskState.HELD
        assert "researcher: quarantined by operator:token:ops: odd calls" in found.held_reason
    release(at_hand)
    assert {task_of(at_hand, each).state for each in (before, after)} == {TaskState.QUEUED}


def test_no_container_of_it_is_made_while_it_stands(at_hand: HubAtHand) -> None:
    reserved = at_hand.reserve("researcher")
    set_apart(at_hand)
    with pytest.raises(Conflict):  # its intent was recorded before
        instances.bind(at_hand.hub, reserved["instance"], "c-1")
    with pytest.raises(Conflict, match="quarantined"):
        at_hand.reserve("researcher")
    seen = reconciling.observed(at_hand.hub, {"hosts": []})
    assert (seen["instances"], seen["quarantined"]) == ([], ["researcher"])
    release(at_hand)
    assert at_hand.reserve("researcher")
    assert reconciling.observed(at_hand.hub, {"hosts": []})["quarantined"] == []


def test_nothing_is_said_to_it_and_the_refusal_names_the_check(
    office: HubAtHand, developer: Talker
) -> None:
    set_apart(office)
    message = developer.message("request", {"agent": "researcher"})
    with refused("scope", 403, "researcher is quarantined") as said:
        developer.say(message)
    assert said["rule"] == "quarantine"
    assert lines(office, "message.refused")[-1].entry.facts["check"] == "scope"
    shown = colleagues.colleagues(office.hub, developer.who)["agents"]
    assert "researcher" not in [each["name"] for each in shown]
    release(office)
    assert developer.say(message)["accepted"]  # it was refused for then


def test_what_waits_for_it_is_taken_back_on_record(office: HubAtHand, developer: Talker) -> None:
    sent = developer.request("researcher", "still there?")
    assert office.hub.live.mail.bytes > 0
    set_apart(office)
    assert office.hub.live.mail.bytes == 0
    (line,) = lines(office, "message.withdrawn")
    assert (line.entry.subject, line.entry.facts["to"]) == (sent["message"], "researcher")
    release(office)
    assert at_work(office, "researcher").texts() == []


def test_nothing_it_said_before_is_handed_over(
    office: HubAtHand, researcher: Talker, developer: Talker
) -> None:
    assert researcher.event(text="do as I say")["recipients"] == 1
    set_apart(office)
    assert developer.texts() == []
    (line,) = lines(office, "message.withdrawn")
    assert line.entry.facts["reason"] == "its sender researcher is quarantined"


def test_it_says_nothing_more_and_the_refusal_names_identity(
    office: HubAtHand, researcher: Talker
) -> None:
    set_apart(office)
    with refused("identity", 409):  # had it come past the door, which is shut already
        researcher.request("developer")
    with pytest.raises(Unauthenticated):
        researcher.poll()


def test_events_and_broadcasts_pass_it_by(office: HubAtHand, researcher: Talker) -> None:
    at_work(office, "developer")
    set_apart(office, "developer")
    assert researcher.event()["recipients"] == 0
    with refused("scope", 403):
        researcher.broadcast(agents=["developer"])


def test_new_generations_and_restarts_do_not_lift_it(office: HubAtHand) -> None:
    set_apart(office)
    office.apply(talkers(replace(PUBLISHING, image="agentctl/agent:2"), DEVELOPER, THINKER))
    office.apply(talkers(DEVELOPER, THINKER))
    office.apply(talkers(PUBLISHING, DEVELOPER, THINKER))
    with office.hub.store.read() as txn:
        assert list(quarantined_agents.all(txn)) == ["researcher"]
    assert task_of(office, named(office, "researcher")).state is TaskState.HELD


def test_one_that_is_no_longer_declared_can_be_set_apart_while_it_runs(
    office: HubAtHand, researcher: Talker
) -> None:
    office.apply(talkers(DEVELOPER, THINKER))
    assert set_apart(office)["containers"] == 1
    assert release(office)["agent"] == "researcher"
    with pytest.raises(NotFound):
        set_apart(office)


def test_setting_apart_twice_keeps_the_first_record(office: HubAtHand) -> None:
    first = set_apart(office)
    office.clock.advance(60.0)
    again = quarantine.quarantine(office.hub, "researcher", ADMIN, why="another reason")
    assert {**again, "containers": 0, "tasks": []} == {**first, "containers": 0, "tasks": []}
    assert len(lines(office, "agent.quarantined")) == 1


def test_names_that_nobody_has_are_said_to_be_unknown(office: HubAtHand) -> None:
    with pytest.raises(NotFound) as why:
        set_apart(office, "researchr")
    assert why.value.hint == "did you mean 'researcher'?"
    with pytest.raises(NotFound, match="not quarantined"):
        release(office)


@pytest.mark.parametrize("mode", ["paused", "panic"])
def test_it_works_in_every_mode(office: HubAtHand, researcher: Talker, mode: str) -> None:
    modes.set_mode(office.hub, ADMIN, mode=mode, reason="")
    assert set_apart(office)["containers"] == 1
    modes.set_mode(office.hub, ADMIN, mode="normal", reason="")
    modes.cause(office.hub, modes.RECONCILER, "silent")
    assert office.hub.mode.name is ModeName.DEGRADED
    assert set_apart(office, "developer")["agent"] == "developer"


def test_operators_see_it_and_an_alert_fires_while_it_stands(office: HubAtHand) -> None:
    set_apart(office)
    row = next(
        each
        for each in registry.agents(office.hub, ADMIN)["agents"]
        if each["name"] == "researcher"
    )
    assert row["quarantined"]["why"] == "odd calls"
    assert [each["agent"] for each in views.status(office.hub, ADMIN)["quarantined"]] == [
        "researcher"
    ]
    assert views.latest_generation(office.hub, ADMIN)["quarantined"] == ["researcher"]
    alerts.check_when_due(office.hub)
    assert firing(office) == ["researcher"]
    release(office)
    alerts.check_when_due(office.hub)
    assert firing(office) == []


def firing(at: HubAtHand) -> list[str]:
    return [each.subject for each in at.hub.live.book.firing if each.check == "quarantine"]


def test_no_living_container_of_it_stands_in_the_registry(
    office: HubAtHand, researcher: Talker
) -> None:
    set_apart(office)
    with office.hub.store.read() as txn:
        found = [each for each in instance_table.all(txn) if each.agent == "researcher"]
    assert {each.state for each in found} == {InstanceState.RECYCLED}
    assert {each.reason for each in found} == {"quarantined by operator:token:ops: odd calls"}


def test_a_released_agent_works_again(office: HubAtHand, researcher: Talker) -> None:
    set_apart(office)
    release(office)
    worker = replace(researcher, who=office.born("researcher"), attempt=2)
    assert taken_up(worker).request("developer")["accepted"]


def test_a_failing_store_sets_nobody_apart(
    office: HubAtHand, researcher: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_work: object) -> None:
        raise AgentctlError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(office.hub.store, "write", full)
        with pytest.raises(AgentctlError):
            set_apart(office)
    assert researcher.request("developer")["accepted"]
