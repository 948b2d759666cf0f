"""Deadlines, parents, output schemas: what a submitter may ask for, and what it comes to."""

from dataclasses import replace
from typing import Any

import pytest

from agentctl.errors import InputError, TooLarge
from agentctl.hub.new_task import new_task
from agentctl.model.budget import Budget
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service import output
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.retry import retry
from agentctl.service.submit import submit
from agentctl.store import journal
from agentctl.store import tasks as task_table
from tests.unit.service.conftest import ADMIN, HubAtHand

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def stored(at_hand: HubAtHand, task_id: str) -> Task:
    with at_hand.hub.store.read() as txn:
        found = task_table.get(txn, task_id)
    assert found is not None
    return found


def finished(at_hand: HubAtHand, new: NewTask, **payload: Any) -> Task:
    """Submit a task, have the researcher complete it with `payload`, return it as stored."""
    task, _ = submit(at_hand.hub, replace(new, agent="researcher"), ADMIN)
    who = at_hand.born("researcher")
    poll(at_hand.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    message = {"task": task.id, "attempt": 1}
    report(at_hand.hub, who, {**message, "id": "a", "type": "task.accepted", "payload": {}})
    done = {**message, "id": "b", "type": "task.completed", "payload": {"text": "t", **payload}}
    report(at_hand.hub, who, done)
    assert report(at_hand.hub, who, done) == {"id": "b", "accepted": True}
    return stored(at_hand, task.id)


def test_a_deadline_in_seconds_counts_from_the_submit(at_hand: HubAtHand) -> None:
    task, _ = submit(at_hand.hub, NewTask(prompt="x", deadline_in_s=60.0), ADMIN)
    assert task.deadline_s == at_hand.clock.wall_s() + 60.0


def test_a_repeat_with_the_same_relative_deadline_is_the_same_request(at_hand: HubAtHand) -> None:
    new = NewTask(prompt="x", deadline_in_s=60.0, idempotency_key="k")
    first, _ = submit(at_hand.hub, new, ADMIN)
    at_hand.clock.advance(120.0)
    assert submit(at_hand.hub, new, ADMIN) == (first, False)


def test_a_deadline_that_has_passed_is_refused(at_hand: HubAtHand) -> None:
    with pytest.raises(InputError, match="the deadline has passed"):
        submit(at_hand.hub, NewTask(prompt="x", deadline_s=at_hand.clock.wall_s()), ADMIN)


def test_only_one_kind_of_deadline_may_be_given() -> None:
    with pytest.raises(InputError, match="deadline_in_s"):
        new_task({"prompt": "x", "deadline_s": 1e10, "deadline_in_s": 5}, None)


@pytest.mark.parametrize(
    ("declared", "label"),
    [(None, "confidential"), ("public", "internal"), ("restricted", "restricted")],
)
def test_a_childs_label_is_at_least_its_parents(
    at_hand: HubAtHand, declared: str | None, label: str
) -> None:
    parent, _ = submit(at_hand.hub, NewTask(prompt="x", sensitivity="internal"), ADMIN)
    new = NewTask(prompt="y", sensitivity=declared, parent=parent.id)
    child, _ = submit(at_hand.hub, new, ADMIN)
    assert (child.parent, child.declared, child.sensitivity) == (parent.id, declared, label)


def test_a_child_is_as_high_as_the_container_that_wrote_its_parents_result(
    at_hand: HubAtHand,
) -> None:
    parent = finished(at_hand, NewTask(prompt="x", sensitivity="public"))
    assert parent.result is not None
    assert (parent.sensitivity, parent.result.label) == ("public", "confidential")
    new = NewTask(prompt="y", sensitivity="public", parent=parent.id)
    assert submit(at_hand.hub, new, ADMIN)[0].sensitivity == "confidential"


def test_an_unknown_parent_is_refused(at_hand: HubAtHand) -> None:
    with pytest.raises(InputError, match="the parent task-none is unknown"):
        submit(at_hand.hub, NewTask(prompt="x", parent="task-none"), ADMIN)


def test_the_journal_says_what_was_asked_for_but_never_the_prompt(at_hand: HubAtHand) -> None:
    new = NewTask(
        prompt="canary",
        priority=3,
        deadline_in_s=60.0,
        max_attempts=2,
        budget=Budget(usd=1.5, turns=9),
        labels=(("bulk", "true"),),
        output_schema=CITY,
        idempotency_key="job-7",
    )
    submit(at_hand.hub, new, ADMIN)
    with at_hand.hub.store.read() as txn:
        lines = list(journal.read(txn, after=0, limit=100))
    facts = next(each.entry.facts for each in lines if each.entry.kind == "task.submitted")
    asked = {
        "priority": "3",
        "deadline_in_s": "60.0",
        "max_attempts": "2",
        "budget_usd": "1.5",
        "budget_turns": "9",
        "labels": "bulk=true",
        "idempotency_key": "job-7",
    }
    assert asked.items() <= facts.items()
    assert "canary" not in str(lines)
    assert "city" not in str(lines)


def test_a_retry_keeps_what_was_asked_for(at_hand: HubAtHand) -> None:
    thought = NewTask(prompt="x", sensitivity="internal", agent="thinker")
    parent, _ = submit(at_hand.hub, thought, ADMIN)
    new = NewTask(prompt="y", parent=parent.id, budget=Budget(turns=2), output_schema=CITY)
    old = finished(at_hand, new)
    again = retry(at_hand.hub, old.id, ADMIN)
    assert (again.retry_of, again.parent, again.budget) == (old.id, parent.id, Budget(turns=2))


# the output schema


@pytest.mark.parametrize(
    "outside", ["http://127.0.0.1/x", "file:///etc/passwd", "#/$defs/none", "urn:agentctl:x"]
)
def test_a_schema_that_refers_outside_itself_is_refused(outside: str) -> None:
    with pytest.raises(InputError, match="/output_schema"):
        output.check({"$ref": outside})


def test_a_schema_over_its_bound_is_refused() -> None:
    with pytest.raises(TooLarge, match="the bound is 65536"):
        output.check({"description": "x" * output.SCHEMA_BYTES_MAX})


def test_output_that_meets_the_schema_completes_the_task(at_hand: HubAtHand) -> None:
    task = finished(at_hand, NewTask(prompt="x", output_schema=CITY), structured={"city": "Ulm"})
    assert task.result is not None
    assert (task.state, task.result.structured) == (TaskState.COMPLETED, {"city": "Ulm"})


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({}, "there is no structured output"),
        ({"structured": {"city": 5}}, "city breaks the schema's type"),
        ({"structured": ["Ulm"]}, "the whole breaks the schema's type"),
    ],
)
def test_output_that_breaks_the_schema_fails_the_task_whatever_the_agent_says(
    at_hand: HubAtHand, said: dict[str, Any], detail: str
) -> None:
    task = finished(at_hand, NewTask(prompt="x", output_schema=CITY), **said)
    assert task.result is not None
    assert (task.state, task.result.reason, task.result.detail) == (
        TaskState.FAILED,
        "no_structured_output",
        detail,
    )
    assert (task.result.structured, task.result.text) == (None, "t")
