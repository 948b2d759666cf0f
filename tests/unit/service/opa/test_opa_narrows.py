"""What the rules allow OPA may refuse, verb by verb; what they don't allow it is never asked about."""

from dataclasses import replace

import pytest

from agentctl.errors import Refused
from agentctl.model.fleet import Opa
from agentctl.model.task import NewTask, TaskState
from agentctl.service import instances
from agentctl.service.declassify import declassify
from agentctl.service.opa_memory import KEPT_S
from agentctl.service.rate import Rate
from agentctl.service.submit import submit
from tests.fakes.fleet import OPERATORS_DISPATCH, PRIVATE, PUBLIC, RESEARCHER, THINKER, fleet
from tests.fakes.opa import refusing
from tests.fakes.talk import Talker, at_work, lines, refused
from tests.fakes.watched_opa import with_opa
from tests.unit.service.conftest import ADMIN, HubAtHand
from tests.unit.service.opa.conftest import (
    FROZEN,
    HOLDER,
    Narrowed,
    asked_about_calls,
    call,
    decision,
)
from tests.unit.service.test_declassifying import ADMINS_DECLASSIFY
from tests.unit.service.test_delegating import delegate


def test_a_submit_that_both_allow_says_so(at: Narrowed) -> None:
    at.apply(fleet())
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert (task.state, task.agent) == (TaskState.QUEUED, "researcher")
    assert task.routed is not None
    said = decision(at, task.routed.decision).reason
    assert said.startswith("allowed by 'operators dispatch'; OPA agrees; routed by")
    assert at.opa.targets() == ["agent:researcher"]


def test_a_submit_that_opa_refuses_is_refused_for_its_reason(at: Narrowed) -> None:
    at.apply(fleet())
    with pytest.raises(Refused, match="OPA refuses: frozen work is given to nobody") as why:
        submit(at.hub, NewTask(prompt="p", labels=FROZEN), ADMIN)
    assert why.value.rule == "opa"
    assert not decision(at, why.value.decision_id).allowed
    assert [line.entry.facts["rule"] for line in lines(at, "task.refused")] == ["opa"]


def test_what_the_rules_deny_opa_is_never_asked_about(at: Narrowed) -> None:
    at.server.manner = "allow"
    at.apply(fleet(access=()))
    with pytest.raises(Refused, match="no rule allows"):
        submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert at.opa.asked == []


def test_opa_lifts_no_work_over_a_label(at: Narrowed) -> None:
    at.server.manner = "allow"
    at.apply(fleet())
    task, _ = submit(at.hub, NewTask(prompt="p", agent="thinker"), ADMIN)
    assert task.state is TaskState.HELD
    assert "cleared for internal, the task is confidential" in task.held_reason
    assert at.opa.asked == []


def test_where_opa_refuses_an_agent_the_next_is_asked_about(at: Narrowed) -> None:
    at.server.rego = refusing("agent:researcher")
    at.apply(fleet(RESEARCHER, replace(RESEARCHER, name="second"), THINKER))
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert task.agent == "second"
    assert at.opa.targets() == ["agent:researcher", "agent:second"]


def test_work_that_only_waits_for_a_key_is_held_though_opa_refuses_another_agent(
    at: Narrowed,
) -> None:
    at.server.rego = refusing("agent:researcher")
    second = replace(RESEARCHER, name="second", provider="spare")
    spare = replace(PRIVATE, name="spare")
    at.apply(fleet(RESEARCHER, second, THINKER, providers=(PRIVATE, PUBLIC, spare)))
    at.hub.live.unusable = {"spare": "no file"}
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert task.held_reason == "provider spare of second has no usable key"


def test_a_fleet_of_agents_isnt_asked_about_without_end(at: Narrowed) -> None:
    many = [replace(RESEARCHER, name=f"r{each}") for each in range(12)]
    at.server.rego = refusing(*(f"agent:{each.name}" for each in many))
    at.apply(fleet(*many, THINKER))
    with pytest.raises(Refused, match="OPA refuses: not to this one"):
        submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert len(at.opa.asked) == 8


def test_nobody_is_asked_while_opa_isnt_enabled(at: Narrowed) -> None:
    HubAtHand.apply(at, fleet())
    submit(at.hub, NewTask(prompt="p", labels=FROZEN), ADMIN)
    assert at.opa.asked == []


def test_a_delegation_is_narrowed(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    with refused("scope", 403, "OPA refuses: frozen work is given to nobody"):
        delegate(lead, agent="helper", labels={"freeze": "true"})
    assert delegate(lead, agent="helper")["state"] == "queued"
    assert office.opa.verbs()[-2:] == ["task.delegate", "task.delegate"]


def test_a_request_is_narrowed_and_its_repeat_gets_the_first_answer(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    office.server.rego = refusing("agent:helper")
    message = lead.message("request", {"agent": "helper"})
    for _ in range(2):
        with refused("scope", 403, "OPA refuses: not to this one") as problem:
            lead.say(message)
        assert problem["rule"] == "opa"
    assert office.opa.verbs().count("message.send") == 1
    [line] = lines(office, "message.refused")
    assert line.entry.facts["check"] == "scope"


def test_a_broadcast_leaves_out_whom_opa_refuses(office: Narrowed) -> None:
    lead, developer, writer = (at_work(office, each) for each in ("lead", "developer", "writer"))
    office.server.rego = refusing("agent:developer")
    lead.broadcast("hello", agents=["developer", "writer"])
    assert (developer.texts(), writer.texts()) == ([], ["hello"])


def test_an_agent_pays_with_its_rate_for_each_answer_that_a_broadcast_wants(
    office: Narrowed,
) -> None:
    lead = at_work(office, "lead")
    office.hub.live.talk = Rate(per_s=1.0, burst=2)
    office.server.manner = "allow"
    with refused("mailbox", 429):
        lead.broadcast("hello")
    assert office.opa.verbs().count("message.send") == 2


def test_a_broadcast_of_confidential_words_is_refused_by_the_sample(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    with refused("scope", 403, "broadcasts are for what is public or internal"):
        lead.broadcast("hello", agents=["developer"])


def test_a_declassification_is_narrowed(at: Narrowed) -> None:
    at.apply(fleet(access=(OPERATORS_DISPATCH, ADMINS_DECLASSIFY)))
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    at.server.rego = refusing(f"task:{task.id}")
    with pytest.raises(Refused, match="OPA refuses: not to this one"):
        declassify(at.hub, task.id, ADMIN, to="public", why="w")
    at.server.rego = refusing()
    assert declassify(at.hub, task.id, ADMIN, to="public", why="w").sensitivity == "public"


def test_a_secret_that_opa_refuses_brings_no_container_to_life(at: Narrowed) -> None:
    at.apply(fleet(HOLDER, THINKER))
    at.server.rego = refusing("secret:key")
    with pytest.raises(Refused, match="may not read its secret key: OPA refuses"):
        at.reserve("researcher")
    at.server.rego = refusing()
    assert at.born("researcher").agent == "researcher"


def test_a_secret_refused_after_the_reservation_gets_no_boot_document(at: Narrowed) -> None:
    at.apply(fleet(HOLDER, THINKER))
    reserved = at.reserve("researcher")
    at.server.rego = refusing("secret:key")
    with pytest.raises(Refused, match="may not read its secret key"):
        instances.bind(at.hub, reserved["instance"], "container-1")


def test_a_model_call_is_narrowed(at: Narrowed, worker: Talker) -> None:
    at.server.rego = refusing("provider:ollama")
    with pytest.raises(Refused, match="OPA refuses: not to this one"):
        call(worker)
    [line] = lines(at, "model.refused")
    assert "OPA refuses" in line.entry.facts["why"]


def test_model_calls_of_a_few_seconds_are_asked_about_once(at: Narrowed, worker: Talker) -> None:
    call(worker)
    call(worker)
    assert asked_about_calls(at) == [1]
    at.clock.advance(KEPT_S)
    at.server.rego = refusing("provider:ollama")
    with pytest.raises(Refused):
        call(worker)
    assert asked_about_calls(at) == [1, 1]


def test_an_answer_about_model_calls_doesnt_outlive_its_generation(
    at: Narrowed, worker: Talker
) -> None:
    call(worker)
    at.apply(fleet(RESEARCHER, replace(THINKER, ttl_s=60.0)))
    at.server.rego = refusing("provider:ollama")
    with pytest.raises(Refused):
        call(worker)
    assert asked_about_calls(at) == [1, 2]


def test_opa_off_again_is_asked_no_more(at: Narrowed, worker: Talker) -> None:
    at.server.rego = refusing("provider:ollama")
    HubAtHand.apply(at, with_opa(fleet(), Opa()))
    call(worker)
    assert asked_about_calls(at) == []
