"""A delegated task stays within its delegator's bounds, its result comes back, it ends with its reason."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentctl.errors import AgentctlError
from agentctl.model.budget import Budget
from agentctl.model.fleet import AccessRule, Effect, Lifecycle
from agentctl.model.message import CHILDREN_LIVE_MAX, DEPTH_MAX
from agentctl.model.mode import Mode, ModeName
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import budgets, cancel, delegated, watch
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table
from tests.fakes.fleet import RESEARCHER, THINKER
from tests.fakes.talk import AGENTS_TALK, Talker, at_work, lines, refused, taken_up, talkers
from tests.unit.service.conftest import ADMIN, HubAtHand

AGENTS_DELEGATE = AccessRule(
    name="agents delegate", effect=Effect.ALLOW, verb="task.delegate", principal="agent:*"
)
LEAD = replace(RESEARCHER, name="lead", capabilities=("code", "research"), replicas=6)
HELPER = replace(RESEARCHER, name="helper", capabilities=("code", "research"), replicas=6)
VAULT = replace(RESEARCHER, name="vault", clearance="restricted", capabilities=("research",))
FRESH = replace(
    RESEARCHER,
    name="fresh",
    clearance="restricted",
    lifecycle=Lifecycle.EPHEMERAL,
    capabilities=("research",),
    replicas=2,
)
OFFICE = talkers(LEAD, HELPER, VAULT, FRESH, THINKER, rules=(AGENTS_TALK, AGENTS_DELEGATE))


@pytest.fixture
def office(bare: HubAtHand) -> HubAtHand:
    bare.apply(OFFICE)
    return bare


@pytest.fixture
def lead(office: HubAtHand) -> Talker:
    return at_work(office, "lead")


def delegate(talker: Talker, prompt: str = "do a part", **payload: Any) -> dict[str, Any]:
    message = talker.message("delegate", {})
    del message["to"]
    return talker.say(message | {"payload": {"prompt": prompt, **payload}})


def task_of(at: HubAtHand, task_id: str) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task_id)
    assert found is not None
    return found


def child_of(talker: Talker, **payload: Any) -> Task:
    return task_of(talker.at, delegate(talker, **payload)["task"])


def working_on(at: HubAtHand, task: Task, *, replica: int = 0) -> Talker:
    """Have a new container of the task's agent take it up."""
    assert at.hub.fleet is not None
    fresh = at.hub.fleet.agents[task.agent].lifecycle is Lifecycle.EPHEMERAL
    who = at.born(task.agent, replica=replica, task=task.id if fresh else "")
    return taken_up(Talker(at, who, task.id))


def complete(talker: Talker, text: str = "done") -> None:
    talker.say({**talker.message("task.completed", {}, text), "id": f"end-{talker.task}"})


def test_a_child_carries_the_delegators_label_and_where_it_comes_from(
    office: HubAtHand, lead: Talker
) -> None:
    answer = delegate(lead, agent="helper", capabilities=["code"], labels={"part": "1"})
    assert answer == {
        "id": answer["id"],
        "accepted": True,
        "task": answer["task"],
        "state": "queued",
    }
    child = task_of(office, answer["task"])
    assert (child.sensitivity, child.declared) == ("confidential", None)
    assert (child.parent, child.submitted_by, child.agent) == (lead.task, "agent:lead", "helper")
    assert child.delegated is not None
    assert (child.delegated.depth, child.delegated.label) == (1, "confidential")
    assert child.hops == 1
    [line] = lines(office, "task.delegated")
    assert line.entry.who == lead.who.spiffe_id
    assert line.entry.facts["parent"] == lead.task


def test_a_child_is_never_below_what_its_parent_is(office: HubAtHand) -> None:
    """The lead's container is confidential, though its task is only internal: that is what leaves it."""
    lead = at_work(office, "lead", sensitivity="internal")
    assert task_of(office, lead.task).sensitivity == "internal"
    assert child_of(lead).sensitivity == "confidential"


def test_a_repeated_id_gets_the_first_child(office: HubAtHand, lead: Talker) -> None:
    message = lead.message("delegate", {})
    del message["to"]
    message["payload"] = {"prompt": "once"}
    first = lead.say(message)
    assert lead.say(message) == first
    with office.hub.store.read() as txn:
        assert [each.id for each in task_table.children(txn, lead.task)] == [first["task"]]
    with refused("identity", 409, "was used for another message"):
        lead.say(message | {"payload": {"prompt": "another"}})


def test_only_the_current_attempt_delegates(lead: Talker) -> None:
    with refused("identity", 409):
        delegate(replace(lead, attempt=2))


def test_capabilities_beyond_the_delegators_own_are_refused(lead: Talker) -> None:
    with refused("scope", 403, "deep-reasoning is beyond your own scope"):
        delegate(lead, capabilities=["deep-reasoning"])


def test_a_childs_scope_never_widens_again(office: HubAtHand, lead: Talker) -> None:
    vault = child_of(lead, capabilities=["research"], ephemeral=True)
    assert vault.agent == "fresh"
    worker = working_on(office, vault)
    with refused("scope", 403, "code is beyond your own scope"):
        delegate(worker, capabilities=["code"])
    assert child_of(worker, capabilities=["research"]).delegated.scope == ("research",)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("payload", "check", "status", "words"),
    [
        ({"agent": "nobody"}, "scope", 403, "no agent nobody is declared"),
        ({"prompt": "   "}, "schema", 422, "is empty"),
        ({"prompt": "ü" * 110_000}, "schema", 422, "the bound is"),
        ({"output_schema": {"$ref": "https://elsewhere.example/x"}}, "schema", 422, "refers to"),
    ],
)
def test_what_can_not_be_meant_is_refused_by_its_check(
    lead: Talker, payload: dict[str, Any], check: str, status: int, words: str
) -> None:
    with refused(check, status, words):
        delegate(lead, **payload)


def test_rules_decide_to_whom_and_a_name_can_not_be_tried_out(bare: HubAtHand) -> None:
    to_helper = replace(AGENTS_DELEGATE, target="agent:helper")
    bare.apply(talkers(LEAD, HELPER, VAULT, THINKER, rules=(to_helper,)))
    lead = at_work(bare, "lead")
    assert child_of(lead).agent == "helper"
    for name in ("vault", "nobody"):
        with refused("scope", 403, f"no rule allows agent:lead to task.delegate agent:{name}"):
            delegate(lead, agent=name)


def test_without_any_rule_nothing_is_delegated(bare: HubAtHand) -> None:
    bare.apply(talkers(LEAD, HELPER, THINKER))
    with refused("scope", 403, "no rule allows"):
        delegate(at_work(bare, "lead"))


def test_an_agent_whose_results_could_not_come_back_gets_no_child(
    office: HubAtHand, lead: Talker
) -> None:
    child = child_of(lead, agent="vault")
    assert child.state is TaskState.HELD
    assert "its results are restricted" in child.held_reason
    assert delegate(lead, agent="thinker")["state"] == "held"  # confidential may not go there


def test_a_fresh_container_has_the_childs_label_and_so_has_the_result(
    office: HubAtHand, lead: Talker
) -> None:
    child = child_of(lead, ephemeral=True, agent="fresh")
    worker = working_on(office, child)
    complete(worker, "the answer")
    [result] = lead.poll()
    assert (result["type"], result["task"], result["label"]) == (
        *("delegated", child.id, "confidential"),
    )
    assert result["payload"]["text"] == "the answer"


def test_a_result_comes_to_the_attempt_that_delegated_until_it_is_acknowledged(
    office: HubAtHand, lead: Talker
) -> None:
    child = child_of(lead, agent="helper")
    complete(working_on(office, child), "the answer")
    [first] = lead.poll()
    assert first["id"] == child.id.replace("task-", "msg-")
    assert first["from"] == {"agent": "helper"}
    assert first["payload"] == {"state": "completed", "text": "the answer"}
    assert lead.poll() == [first]
    assert lead.poll(seen=first["id"]) == []


def test_a_failed_child_says_how_it_failed(office: HubAtHand, lead: Talker) -> None:
    worker = working_on(office, child_of(lead, agent="helper"))
    said = {"text": "half", "reason": "timeout", "detail": "too slow"}
    payload = {**said, "retryable": False, "partial": True}
    worker.say({**worker.message("task.failed", {}), "payload": payload})
    [told] = lead.poll()
    assert told["payload"] == {
        "state": "failed",
        "text": "half",
        "reason": "timeout",
        "detail": "too slow",
    }


def test_a_result_above_the_delegators_label_is_withheld(office: HubAtHand, lead: Talker) -> None:
    """It can't come about by routing; should it, by a record of before, the text stays away."""
    child = child_of(lead, agent="helper")
    worker = working_on(office, child)
    with office.hub.store.read() as txn:
        task = task_table.get(txn, child.id)
    assert task is not None
    complete(worker, "SECRET")
    ended = task_of(office, child.id)
    assert ended.result is not None
    raised = replace(ended, result=replace(ended.result, label="restricted"))
    office.hub.store.write(lambda txn: task_table.put(txn, raised))
    lead.poll(seen=lead.poll()[0]["id"])
    office.hub.live.ended.add(child.id)
    delegated.look_after(office.hub)
    [told] = lead.poll()
    assert told["payload"] == {
        "state": "completed",
        "withheld": "the result is restricted, this container is confidential",
    }


def test_after_a_restart_results_are_told_again(office: HubAtHand, lead: Talker) -> None:
    child = child_of(lead, agent="helper")
    complete(working_on(office, child), "kept")
    office.hub.live.mail = type(office.hub.live.mail)()
    assert lead.poll() == []
    delegated.recall(office.hub)
    delegated.look_after(office.hub)
    assert lead.texts() == ["kept"]


def test_cancelling_a_task_cancels_all_that_was_delegated_under_it(
    office: HubAtHand, lead: Talker
) -> None:
    child = child_of(lead, agent="helper")
    worker = working_on(office, child)
    grandchild = child_of(worker, agent="helper")
    cancel.cancel(office.hub, lead.task, ADMIN)
    assert task_of(office, child.id).state is TaskState.CANCELLED
    assert task_of(office, grandchild.id).state is TaskState.CANCELLED
    assert lead.task in task_of(office, child.id).error


def test_a_lost_attempt_takes_its_children_along_and_a_completed_one_leaves_them(
    office: HubAtHand, lead: Talker
) -> None:
    child = child_of(lead, agent="helper")
    office.clock.advance(60.0)
    watch.tick(office.hub)
    delegated.look_after(office.hub)
    assert task_of(office, lead.task).state is TaskState.QUEUED
    assert task_of(office, child.id).state is TaskState.CANCELLED
    cancel.cancel(office.hub, lead.task, ADMIN)
    again = at_work(office, "lead", replica=1)
    kept = child_of(again, agent="helper")
    complete(again)
    delegated.look_after(office.hub)
    assert task_of(office, kept.id).state is TaskState.QUEUED


def test_a_loop_of_delegations_ends_at_the_depth(office: HubAtHand, lead: Talker) -> None:
    worker = lead
    for depth in range(DEPTH_MAX):
        child = child_of(worker, agent=("helper", "lead")[depth % 2])
        worker = working_on(office, child, replica=1 + depth)
    with refused("scope", 403, f"at most {DEPTH_MAX} deep"):
        delegate(worker, agent="helper")


def test_a_task_has_few_children_at_once(lead: Talker) -> None:
    for _ in range(CHILDREN_LIVE_MAX):
        delegate(lead)
    with refused("scope", 403, f"at most {CHILDREN_LIVE_MAX} delegated tasks at once"):
        delegate(lead)


def budgeted(at: HubAtHand, **budget: Any) -> Talker:
    new = NewTask(prompt="p", agent="lead", sensitivity="internal", budget=Budget(**budget))
    task, _ = submit(at.hub, new, ADMIN)
    return taken_up(Talker(at, at.born("lead"), task.id))


def test_a_childs_budget_comes_out_of_its_parents(office: HubAtHand) -> None:
    lead = budgeted(office, tokens=1000, turns=10)
    assert child_of(lead, budget={"tokens": 600}).budget == Budget(tokens=600, turns=10)
    with refused("scope", 403, "nothing is left of the budget of 10 turns"):
        delegate(lead, budget={"tokens": 100})


def test_more_than_is_left_is_refused(office: HubAtHand) -> None:
    lead = budgeted(office, tokens=1000)
    delegate(lead, budget={"tokens": 600})
    with refused("scope", 403, "500 tokens are asked for, 400 are left"):
        delegate(lead, budget={"tokens": 500})
    assert child_of(lead).budget.tokens == 400


def test_no_mode_but_normal_takes_a_new_child(office: HubAtHand, lead: Talker) -> None:
    office.hub.live.mode = Mode(name=ModeName.DEGRADED)
    with pytest.raises(AgentctlError, match="degraded"):
        delegate(lead)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 400)), max_size=8))
def test_no_tree_of_delegations_holds_more_than_its_root(
    office: HubAtHand, steps: list[tuple[int, int]]
) -> None:
    new = NewTask(prompt="p", agent="lead", sensitivity="internal", budget=Budget(tokens=1000))
    tree = [submit(office.hub, new, ADMIN)[0]]
    for place, tokens in steps:
        parent = tree[place % len(tree)]
        child = replace(
            parent,
            id=f"task-t{len(tree):025d}",  # no id that the hub gives
            parent=parent.id,
            state=TaskState.QUEUED,
        )
        children = [each for each in tree if each.parent == parent.id]
        found = budgets.share(parent, children, Budget(tokens=tokens))
        if isinstance(found, Budget):
            tree.append(replace(child, budget=found))
    for each in tree:
        below = [child for child in tree if child.parent == each.id]
        assert each.budget.tokens is not None
        assert sum(child.budget.tokens or 0 for child in below) <= each.budget.tokens
