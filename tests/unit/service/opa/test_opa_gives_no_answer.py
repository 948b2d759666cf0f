"""No answer from OPA is a no for now: 503, on record, an alert until it answers, and held tasks that wait."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agentctl.errors import EXIT_UNAVAILABLE, Conflict, NoDecision
from agentctl.model.decision import Decision
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import alerts, instances, owed, quarantine
from agentctl.service.declassify import declassify
from agentctl.service.opa_memory import OpaMemory
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table
from tests.fakes.fleet import OPERATORS_DISPATCH, RESEARCHER, THINKER, fleet
from tests.fakes.opa import opa_server, refusing
from tests.fakes.talk import Talker, at_work, lines, refused
from tests.fakes.watched_opa import with_opa
from tests.unit.service.conftest import ADMIN, HubAtHand
from tests.unit.service.opa.conftest import (
    HOLDER,
    Narrowed,
    asked_about_calls,
    call,
    decision,
)
from tests.unit.service.test_alerts import firing
from tests.unit.service.test_declassifying import ADMINS_DECLASSIFY
from tests.unit.service.test_delegating import delegate

SLOW = replace(THINKER, ttl_s=60.0)


def task_of(hub: HubAtHand, task_id: str) -> Task:
    with hub.hub.store.read() as txn:
        found = task_table.get(txn, task_id)
    assert found is not None
    return found


def given(hub: HubAtHand, who: AgentPrincipal) -> list[str]:
    found = poll(hub.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    return [each["task"] for each in found]


@pytest.mark.parametrize("manner", ["error", "undefined", "garbage", "text", "closes", "redirect"])
def test_a_submit_without_an_answer_is_refused_for_now(at: Narrowed, manner: str) -> None:
    at.apply(fleet())
    at.server.manner = manner
    with pytest.raises(NoDecision, match="no answer from OPA: ") as why:
        submit(at.hub, NewTask(prompt="p", idempotency_key="k"), ADMIN)
    assert (why.value.status, why.value.exit_code) == (503, EXIT_UNAVAILABLE)
    with at.hub.store.read() as txn:
        assert task_table.page(txn, limit=1)[0] == []
    at.server.manner = "allow"
    assert submit(at.hub, NewTask(prompt="p", idempotency_key="k"), ADMIN)[1] is True


def test_it_is_on_record_with_its_decision(at: Narrowed) -> None:
    at.apply(fleet())
    at.server.manner = "undefined"
    with pytest.raises(NoDecision):
        submit(at.hub, NewTask(prompt="p"), ADMIN)
    [line] = lines(at, "policy.unanswered")
    reason = "no answer from OPA: its policy leaves the decision undefined"
    assert (line.entry.who, line.entry.facts["verb"]) == ("operator:uid:0", "task.submit")
    assert line.entry.facts["reason"] == reason
    assert decision(at, line.entry.decision) == Decision(allowed=False, rule="opa", reason=reason)


def test_many_refusals_for_now_dont_fill_the_journal(at: Narrowed) -> None:
    at.apply(fleet())
    at.server.manner = "undefined"
    for _ in range(40):
        with pytest.raises(NoDecision):
            submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert len(lines(at, "policy.unanswered")) == 20


def test_an_alert_fires_until_opa_answers_again_though_nobody_asks(at: Narrowed) -> None:
    at.apply(fleet())
    at.server.manner = "undefined"
    with pytest.raises(NoDecision):
        submit(at.hub, NewTask(prompt="p"), ADMIN)
    alerts.check_when_due(at.hub)
    assert "opa" in firing(at)
    at.clock.advance(owed.PROBE_S)
    owed.look(at.hub)
    alerts.look(at.hub)
    assert "opa" in firing(at)
    at.server.manner = "policy"
    at.clock.advance(owed.PROBE_S)
    owed.look(at.hub)
    alerts.check_when_due(at.hub)
    assert "opa" not in firing(at)
    with at.hub.store.read() as txn:
        assert task_table.page(txn, limit=1)[0] == []  # the question was asked, nothing was done


def test_an_alert_ends_when_opa_is_asked_no_more(at: Narrowed) -> None:
    at.apply(fleet())
    at.server.manner = "undefined"
    with pytest.raises(NoDecision):
        submit(at.hub, NewTask(prompt="p"), ADMIN)
    HubAtHand.apply(at, fleet())
    alerts.look(at.hub)
    assert "opa" not in firing(at)


def test_the_silence_of_one_server_says_nothing_of_another(at: Narrowed) -> None:
    at.apply(fleet())
    at.server.manner = "undefined"
    with pytest.raises(NoDecision):
        submit(at.hub, NewTask(prompt="p"), ADMIN)
    with opa_server() as other:
        HubAtHand.apply(at, with_opa(fleet(), other.settings()))
        owed.look(at.hub)
        alerts.look(at.hub)
    assert "opa" not in firing(at)
    assert other.asked == []


def test_messages_delegations_and_model_calls_are_refused_for_now(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    office.server.manner = "undefined"
    message = lead.message("request", {"agent": "helper"})
    with refused("scope", 503, "no answer from OPA"):
        lead.say(message)
    with refused("scope", 503, "no answer from OPA"):
        delegate(lead, agent="helper")
    with pytest.raises(NoDecision):
        call(lead)
    office.server.manner = "allow"
    assert lead.say(message)["accepted"] is True  # a refusal for now isn't a message's first answer
    assert call(lead)["task"] == lead.task


def test_no_answer_about_a_model_call_is_not_kept(at: Narrowed, worker: Talker) -> None:
    at.server.manner = "undefined"
    for _ in range(2):
        with pytest.raises(NoDecision):
            call(worker)
    assert len(asked_about_calls(at)) == 2


def test_secrets_and_declassifications_are_refused_for_now(at: Narrowed) -> None:
    at.apply(fleet(HOLDER, THINKER, access=(OPERATORS_DISPATCH, ADMINS_DECLASSIFY)))
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    at.server.manner = "undefined"
    with pytest.raises(NoDecision):
        at.reserve("researcher")
    with pytest.raises(NoDecision):
        declassify(at.hub, task.id, ADMIN, to="public", why="w")
    assert task_of(at, task.id).sensitivity == "confidential"


def test_what_was_routed_before_isnt_handed_out_before_opa_is_asked(at: Narrowed) -> None:
    HubAtHand.apply(at, fleet())
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    who = at.born("researcher")
    at.apply(fleet())
    assert at.opa.asked == []  # not by the thread that applies
    assert given(at, who) == []
    owed.look(at.hub)
    assert at.opa.targets() == ["agent:researcher"]
    assert given(at, who) == [task.id]


def test_what_was_routed_before_and_opa_refuses_is_held(at: Narrowed) -> None:
    HubAtHand.apply(at, fleet())
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    at.server.rego = refusing("agent:researcher")
    at.apply(fleet())
    owed.look(at.hub)
    after = task_of(at, task.id)
    assert after.state is TaskState.HELD
    assert "researcher: OPA refuses: not to this one" in after.held_reason


def test_without_an_answer_it_is_held_with_the_reason_until_there_is_one(at: Narrowed) -> None:
    HubAtHand.apply(at, fleet())
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    at.server.manner = "undefined"
    at.apply(fleet())
    owed.look(at.hub)
    held = task_of(at, task.id)
    reason = "no answer from OPA: its policy leaves the decision undefined"
    assert (held.state, held.held_reason) == (TaskState.HELD, reason)
    written = len(lines(at, "task.withdrawn"))
    at.clock.advance(owed.PROBE_S)
    owed.look(at.hub)
    assert (written, len(lines(at, "task.withdrawn"))) == (1, 1)  # asked again, nothing new to say
    at.server.manner = "policy"
    at.clock.advance(owed.PROBE_S)
    owed.look(at.hub)
    after = task_of(at, task.id)
    assert (after.state, after.agent) == (TaskState.QUEUED, "researcher")


def test_each_generation_is_asked_anew(at: Narrowed) -> None:
    at.apply(fleet())
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    who = at.born("researcher")
    at.apply(fleet(RESEARCHER, SLOW))
    assert given(at, who) == []
    owed.look(at.hub)
    assert [number for number, _ in at.opa.asked] == [1, 2]
    routed = task_of(at, task.id).routed
    assert routed is not None
    assert routed.generation == 2
    assert given(at, who) == [task.id]


def test_a_task_whose_lease_ran_out_after_an_apply_is_decided_before_it_is_given_again(
    at: Narrowed,
) -> None:
    at.apply(fleet(replace(RESEARCHER, replicas=2), THINKER))
    lost = at_work(at, "researcher")
    at.apply(fleet(replace(RESEARCHER, replicas=2), SLOW))
    owed.look(at.hub)
    instances.mark(at.hub, lost.who.instance, "recycled", "gone")
    who = at.born("researcher", replica=1)
    assert given(at, who) == []
    owed.look(at.hub)
    assert given(at, who) == [lost.task]


def test_what_opa_refused_is_asked_again_after_a_while(at: Narrowed) -> None:
    at.apply(fleet())
    at.server.rego = refusing("agent:researcher")
    task, _ = submit(at.hub, NewTask(prompt="p", capabilities=("x",)), ADMIN)  # nobody has it
    at.apply(fleet(replace(RESEARCHER, capabilities=("x",)), THINKER))
    owed.look(at.hub)
    assert "OPA refuses" in task_of(at, task.id).held_reason
    at.server.rego = refusing()
    owed.look(at.hub)
    assert task_of(at, task.id).state is TaskState.HELD
    at.clock.advance(owed.SWEEP_S)
    owed.look(at.hub)
    assert task_of(at, task.id).state is TaskState.QUEUED


def test_after_a_start_all_that_is_held_is_looked_at(
    at: Narrowed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owed, "SWEPT_MAX", 1)
    HubAtHand.apply(at, fleet())
    tasks = [submit(at.hub, NewTask(prompt="p"), ADMIN)[0].id for _ in range(3)]
    at.server.manner = "undefined"
    at.apply(fleet())
    owed.look(at.hub)
    at.server.manner = "policy"
    at.hub.live.opa = OpaMemory()
    owed.look(at.hub)
    assert {task_of(at, each).state for each in tasks} == {TaskState.QUEUED}


def test_after_a_start_what_is_queued_is_decided_though_the_first_in_its_queue_is(
    at: Narrowed,
) -> None:
    at.apply(fleet())
    tasks = [submit(at.hub, NewTask(prompt="p"), ADMIN)[0].id for _ in range(3)]
    at.apply(fleet(RESEARCHER, SLOW))
    assert at.hub.fleet is not None
    owed._decide(at.hub, tasks[:1])  # and then the hub was killed
    at.hub.live.opa = OpaMemory()
    owed.look(at.hub)
    generation = at.hub.fleet.generation.number
    routed = [task_of(at, each).routed for each in tasks]
    assert [each.generation for each in routed if each] == [generation] * 3


def test_a_quarantined_agents_work_goes_to_another_that_opa_allows(at: Narrowed) -> None:
    at.apply(fleet(RESEARCHER, replace(RESEARCHER, name="second"), THINKER))
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert task.agent == "researcher"
    quarantine.quarantine(at.hub, "researcher", ADMIN, why="odd")
    owed.look(at.hub)
    after = task_of(at, task.id)
    assert (after.state, after.agent) == (TaskState.QUEUED, "second")
    assert at.opa.targets() == ["agent:researcher", "agent:second"]


def test_a_task_with_a_lowered_label_is_asked_about_anew(at: Narrowed) -> None:
    at.apply(fleet(access=(OPERATORS_DISPATCH, ADMINS_DECLASSIFY)))
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert declassify(at.hub, task.id, ADMIN, to="public", why="w").state is TaskState.HELD
    owed.look(at.hub)
    assert task_of(at, task.id).state is TaskState.QUEUED
    assert [q.level for _, q in at.opa.asked] == ["confidential", "confidential", "public"]


def test_a_generation_applied_while_opa_is_asked_is_asked_about_too(at: Narrowed) -> None:
    at.apply(fleet())
    at.opa.meanwhile = once(lambda: at.apply(fleet(RESEARCHER, SLOW)))
    task, _ = submit(at.hub, NewTask(prompt="p"), ADMIN)
    assert [number for number, _ in at.opa.asked] == [1, 2]
    assert task.routed is not None
    assert task.routed.generation == 2


def test_a_message_judged_by_a_generation_that_is_gone_is_judged_again(office: Narrowed) -> None:
    lead = at_work(office, "lead")
    assert office.hub.fleet is not None
    newer = replace(office.hub.fleet.generation.desired, access=(OPERATORS_DISPATCH,))
    office.opa.meanwhile = once(lambda: office.apply(newer))
    with refused("scope", 403, "no rule allows agent:lead to message.send agent:helper"):
        lead.request("helper")
    assert lines(office, "message.sent") == []


def test_a_secret_asked_about_under_a_generation_that_is_gone_is_asked_about_again(
    at: Narrowed,
) -> None:
    at.apply(fleet(HOLDER, THINKER))
    at.opa.meanwhile = once(lambda: at.apply(fleet(HOLDER, SLOW)))
    with pytest.raises(Conflict, match="another generation was just applied"):
        at.reserve("researcher")


def test_a_fleet_that_never_stands_still_gets_no_work(at: Narrowed) -> None:
    ttls = iter(range(100, 1000))
    at.apply(fleet())
    at.opa.meanwhile = lambda: at.apply(fleet(RESEARCHER, replace(THINKER, ttl_s=next(ttls))))
    with pytest.raises(NoDecision, match="changes faster than it answers"):
        submit(at.hub, NewTask(prompt="p"), ADMIN)


def once(act: Callable[[], object]) -> Callable[[], object]:
    """Return a call that acts the first time alone."""
    left = [act]
    return lambda: left.pop()() if left else None
