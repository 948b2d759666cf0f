"""What the rules allow OPA may refuse, verb by verb; what they don't allow it is never asked about."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import Refused
from agentctl.model.decision import Decision
from agentctl.model.fleet import DesiredState, Opa, Secret, Source, SourceKind
from agentctl.model.task import NewTask, TaskState
from agentctl.service import model_calls
from agentctl.service.declassify import declassify
from agentctl.service.opa_memory import KEPT_S
from agentctl.service.submit import submit
from agentctl.store import decisions
from tests.fakes.fleet import OPERATORS_DISPATCH, RESEARCHER, THINKER, fleet
from tests.fakes.opa import OpaStandIn, opa_server, refusing
from tests.fakes.talk import (
    AGENTS_TALK,
    DEVELOPER,
    WRITER,
    Talker,
    at_work,
    lines,
    refused,
    talkers,
)
from tests.fakes.watched_opa import WatchedOpa, with_opa
from tests.unit.service.conftest import ADMIN, HubAtHand
from tests.unit.service.test_declassifying import ADMINS_DECLASSIFY
from tests.unit.service.test_delegating import AGENTS_DELEGATE, HELPER, LEAD, delegate

FROZEN = (("freeze", "true"),)
KEY = Secret(name="key", source=Source(kind=SourceKind.FILE, name="/etc/key"))
HOLDER = replace(RESEARCHER, secrets=(KEY,))


class Narrowed(HubAtHand):
    """A hub at hand whose rules a real OPA server narrows."""

    def __init__(self, at: HubAtHand, server: OpaStandIn) -> None:
        super().__init__(at.hub, at.clock)
        self.server = server
        self.opa = WatchedOpa()
        self.opa.watch(self.hub)

    def apply(self, desired: DesiredState, **given: Any) -> dict[str, Any]:
        return super().apply(with_opa(desired, self.server.settings()), **given)


@pytest.fixture
def at(bare: HubAtHand) -> Iterator[Narrowed]:
    with opa_server() as server:
        yield Narrowed(bare, server)


def decision(at: HubAtHand, decision_id: str | None) -> Decision:
    """Return what stands on record."""
    with at.hub.store.read() as txn:
        found = decisions.get(txn, decision_id or "")
    assert found is not None
    return found.decision


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


def test_nobody_is_asked_while_opa_isnt_enabled(at: Narrowed) -> None:
    HubAtHand.apply(at, fleet())
    submit(at.hub, NewTask(prompt="p", labels=FROZEN), ADMIN)
    assert at.opa.asked == []


@pytest.fixture
def office(at: Narrowed) -> Narrowed:
    at.apply(
        talkers(LEAD, HELPER, DEVELOPER, WRITER, THINKER, rules=(AGENTS_TALK, AGENTS_DELEGATE))
    )
    return at


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
    from agentctl.service import instances

    at.apply(fleet(HOLDER, THINKER))
    reserved = at.reserve("researcher")
    at.server.rego = refusing("secret:key")
    with pytest.raises(Refused, match="may not read its secret key"):
        instances.bind(at.hub, reserved["instance"], "container-1")


def call(worker: Talker) -> dict[str, Any]:
    at = worker.at
    with at.hub.store.read() as txn:
        from agentctl.store import instances

        instance = instances.get(txn, worker.who.instance)
    assert instance is not None
    token = at.hub.seal.model_token(worker.task, worker.attempt, instance.id)
    body = {"token": token, "container": instance.container, "provider": "ollama"}
    return model_calls.open_call(at.hub, {**body, "path": "/v1/messages", "model": "qwen3"})


@pytest.fixture
def worker(at: Narrowed) -> Talker:
    at.apply(fleet())
    return at_work(at, "researcher")


def asked_about_calls(at: Narrowed) -> list[int]:
    return [number for number, question in at.opa.asked if question.verb == "model.call"]


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
