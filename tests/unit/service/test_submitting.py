"""What a submit answers, what it leaves behind, and what it never does."""

from dataclasses import replace

import pytest

from agentctl.errors import Conflict, Degraded, InputError, Refused, TooLarge, Unavailable
from agentctl.model.fleet import AccessRule, Effect
from agentctl.model.mode import Mode, ModeName
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import PROMPT_BYTES_MAX, NewTask, TaskState
from agentctl.service.retry import retry
from agentctl.service.submit import submit
from agentctl.store import journal, task_events
from agentctl.store import tasks as task_table
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import ADMIN, HubAtHand


def test_the_unlabelled_counts_as_the_default_level(at_hand: HubAtHand) -> None:
    task, created = submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    assert created
    assert (task.sensitivity, task.declared, task.agent) == ("confidential", None, "researcher")


def test_a_route_decides_and_its_rule_stands_on_the_task(at_hand: HubAtHand) -> None:
    new = NewTask(prompt="hi", sensitivity="internal", capabilities=("deep-reasoning",))
    task, _ = submit(at_hand.hub, new, ADMIN)
    assert task.routed is not None
    assert (task.state, task.routed.rule, task.routed.provider, task.routed.boundary) == (
        TaskState.QUEUED,
        "deep reasoning",
        "opus",
        "public",
    )


def test_what_nobody_may_take_is_held_with_each_agents_reason(at_hand: HubAtHand) -> None:
    new = NewTask(prompt="hi", sensitivity="confidential", capabilities=("deep-reasoning",))
    task, _ = submit(at_hand.hub, new, ADMIN)
    assert task.state is TaskState.HELD
    assert task.held_reason == (
        "no agent may take confidential work with deep-reasoning (researcher: lacks deep-reasoning;"
        " thinker: cleared for internal, the task is confidential)"
    )


def test_a_held_task_goes_on_when_a_generation_can_take_it(at_hand: HubAtHand) -> None:
    task, _ = submit(at_hand.hub, NewTask(prompt="hi", sensitivity="restricted"), ADMIN)
    assert task.state is TaskState.HELD
    at_hand.apply(fleet(replace(RESEARCHER, clearance="restricted"), THINKER))
    with at_hand.hub.store.read() as txn:
        after = task_table.get(txn, task.id)
    assert after is not None
    assert (after.state, after.agent) == (TaskState.QUEUED, "researcher")


def test_a_queued_task_is_withdrawn_when_its_agent_may_not_take_it_any_more(
    at_hand: HubAtHand,
) -> None:
    task, _ = submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    at_hand.apply(fleet(replace(RESEARCHER, clearance="internal"), THINKER))
    with at_hand.hub.store.read() as txn:
        after = task_table.get(txn, task.id)
    assert after is not None
    assert (after.state, after.routed) == (TaskState.HELD, None)


def test_the_same_idempotency_key_gives_the_first_task(at_hand: HubAtHand) -> None:
    new = NewTask(prompt="hi", idempotency_key="k1")
    first, created = submit(at_hand.hub, new, ADMIN)
    again, created_again = submit(at_hand.hub, new, ADMIN)
    assert (created, created_again, again.id) == (True, False, first.id)


def test_the_same_key_for_another_request_is_a_conflict(at_hand: HubAtHand) -> None:
    submit(at_hand.hub, NewTask(prompt="hi", idempotency_key="k1"), ADMIN)
    with pytest.raises(Conflict, match="'k1' was used for another request"):
        submit(at_hand.hub, NewTask(prompt="ho", idempotency_key="k1"), ADMIN)


def test_an_unknown_level_is_refused_with_what_is_near(at_hand: HubAtHand) -> None:
    with pytest.raises(
        InputError, match="'confidental' is not declared; did you mean 'confidential'"
    ):
        submit(at_hand.hub, NewTask(prompt="hi", sensitivity="confidental"), ADMIN)


def test_an_unknown_agent_is_refused(at_hand: HubAtHand) -> None:
    with pytest.raises(InputError, match="did you mean 'researcher'"):
        submit(at_hand.hub, NewTask(prompt="hi", agent="reseacher"), ADMIN)


def test_a_prompt_over_the_bound_is_refused_and_says_the_bound(at_hand: HubAtHand) -> None:
    with pytest.raises(TooLarge, match=str(PROMPT_BYTES_MAX)):
        submit(at_hand.hub, NewTask(prompt="x" * (PROMPT_BYTES_MAX + 1)), ADMIN)


def test_a_submitter_whom_policy_allows_nothing_is_refused_and_journaled(bare: HubAtHand) -> None:
    only_alice = AccessRule(
        name="alice", effect=Effect.ALLOW, verb="task.submit", principal="operator:token:alice"
    )
    bare.apply(fleet(access=(only_alice,)))
    bob = OperatorPrincipal(name="token:bob", role=Role.OPERATOR)
    with pytest.raises(Refused) as refused:
        submit(bare.hub, NewTask(prompt="hi"), bob)
    assert refused.value.rule == "default-deny"
    with bare.hub.store.read() as txn:
        last = list(journal.read(txn))[-1].entry
    assert (last.kind, last.who, last.decision) == (
        "task.refused",
        "operator:token:bob",
        refused.value.decision_id,
    )
    alice = OperatorPrincipal(name="token:alice", role=Role.OPERATOR)
    task, _ = submit(bare.hub, NewTask(prompt="hi"), alice)
    assert task.state is TaskState.QUEUED


def test_a_viewer_submits_nothing(at_hand: HubAtHand) -> None:
    viewer = OperatorPrincipal(name="token:v", role=Role.VIEWER)
    with pytest.raises(Refused, match="viewer and may not submit tasks"):
        submit(at_hand.hub, NewTask(prompt="hi"), viewer)


def test_degraded_takes_no_task(at_hand: HubAtHand) -> None:
    at_hand.hub.live.mode = Mode(name=ModeName.DEGRADED, reason="disk full")
    with pytest.raises(Degraded, match="the hub is degraded: disk full"):
        submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)


def test_without_a_generation_it_says_what_to_do(bare: HubAtHand) -> None:
    with pytest.raises(Unavailable, match="run `agentctl apply` first"):
        submit(bare.hub, NewTask(prompt="hi"), ADMIN)


def test_a_submit_leaves_its_history_and_journal_but_never_the_prompt(at_hand: HubAtHand) -> None:
    task, _ = submit(at_hand.hub, NewTask(prompt="the canary sings"), ADMIN)
    with at_hand.hub.store.read() as txn:
        lines = list(journal.read(txn))
        events = [each.event for each in task_events.of(txn, task.id)]
    assert events == ["submitted", "queued"]
    assert [line.entry.kind for line in lines][-2:] == ["task.submitted", "task.queued"]
    assert "canary" not in repr(lines)


def test_a_retry_is_a_new_task_that_names_the_old_one_and_keeps_its_label(
    at_hand: HubAtHand,
) -> None:
    from agentctl.service.cancel import cancel

    old, _ = submit(at_hand.hub, NewTask(prompt="hi"), ADMIN)
    with pytest.raises(Conflict, match="is queued"):
        retry(at_hand.hub, old.id, ADMIN)
    cancel(at_hand.hub, old.id, ADMIN)
    again = retry(at_hand.hub, old.id, ADMIN)
    assert (again.retry_of, again.sensitivity, again.state) == (
        old.id,
        "confidential",
        TaskState.QUEUED,
    )
