"""A label falls by an admin's recorded act alone, which a rule must allow; nothing else lowers one."""

from dataclasses import replace

import pytest

from agentctl.errors import Conflict, InputError, NotFound, Refused
from agentctl.model.artifact import Artifact
from agentctl.model.fleet import AccessRule, Effect
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask, Task, TaskState
from agentctl.service.declassify import declassify
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table
from tests.fakes.fleet import OPERATORS_DISPATCH, fleet
from tests.fakes.talk import at_work, lines
from tests.unit.service.conftest import ADMIN, HubAtHand

ADMINS_DECLASSIFY = AccessRule(
    name="admins declassify", effect=Effect.ALLOW, verb="declassify", principal="role:admin"
)


@pytest.fixture
def office(bare: HubAtHand) -> HubAtHand:
    bare.apply(fleet(access=(OPERATORS_DISPATCH, ADMINS_DECLASSIFY)))
    return bare


def waiting(at: HubAtHand, sensitivity: str = "confidential", agent: str | None = None) -> Task:
    new = NewTask(prompt="p", sensitivity=sensitivity, agent=agent)
    return submit(at.hub, new, ADMIN)[0]


def task_of(at: HubAtHand, task_id: str) -> Task:
    with at.hub.store.read() as txn:
        found = task_table.get(txn, task_id)
    assert found is not None
    return found


def test_a_waiting_task_goes_where_its_lower_label_may(office: HubAtHand) -> None:
    held = waiting(office, agent="thinker")
    assert held.state is TaskState.HELD
    declassify(office.hub, held.id, ADMIN, to="internal", why="checked by hand")
    after = task_of(office, held.id)
    assert (after.state, after.agent, after.sensitivity) == (
        *(TaskState.QUEUED, "thinker", "internal"),
    )


def test_who_why_from_what_to_what_stand_in_the_journal(office: HubAtHand) -> None:
    task = waiting(office)
    declassify(office.hub, task.id, ADMIN, to="public", why="it was a test")
    [line] = lines(office, "task.declassified")
    facts = line.entry.facts
    assert line.entry.who == f"operator:{ADMIN.name}"
    assert (facts["from"], facts["to"], facts["why"]) == ("confidential", "public", "it was a test")
    assert facts["decision_id"].startswith("dec-")


def test_an_ended_tasks_result_and_files_go_down_too(office: HubAtHand) -> None:
    worker = at_work(office, "researcher")
    worker.say({**worker.message("task.completed", {}), "id": "end"})
    ended = task_of(office, worker.task)
    assert ended.result is not None
    file = Artifact(name="a", size=1, sha256="0" * 64, label="confidential")
    kept = replace(ended, result=replace(ended.result, artifacts=(file,)))
    office.hub.store.write(lambda txn: task_table.put(txn, kept))
    assert (kept.sensitivity, kept.result and kept.result.label) == ("internal", "confidential")
    after = declassify(office.hub, ended.id, ADMIN, to="public", why="w")
    assert after.result is not None
    assert (after.sensitivity, after.result.label) == ("public", "public")
    assert [each.label for each in after.result.artifacts] == ["public"]


def test_a_task_that_somebody_works_on_keeps_its_label(office: HubAtHand) -> None:
    worker = at_work(office, "researcher")
    with pytest.raises(Conflict, match="was given its label"):
        declassify(office.hub, worker.task, ADMIN, to="public", why="w")


@pytest.mark.parametrize("to", ["confidential", "restricted", "nonsense"])
def test_a_label_is_never_raised_or_made_up(office: HubAtHand, to: str) -> None:
    task = waiting(office)
    with pytest.raises(InputError):
        declassify(office.hub, task.id, ADMIN, to=to, why="w")
    assert task_of(office, task.id).sensitivity == "confidential"


def test_no_such_task_is_said(office: HubAtHand) -> None:
    with pytest.raises(NotFound):
        declassify(office.hub, "task-" + "0" * 26, ADMIN, to="public", why="w")


@pytest.mark.parametrize("role", [Role.VIEWER, Role.CI, Role.OPERATOR])
def test_no_other_role_may(office: HubAtHand, role: Role) -> None:
    task = waiting(office)
    with pytest.raises(Refused, match="may not declassify"):
        declassify(
            office.hub, task.id, OperatorPrincipal(name="bob", role=role), to="public", why="w"
        )


def test_without_a_rule_not_even_an_admin_may_and_the_refusal_is_on_record(
    bare: HubAtHand,
) -> None:
    bare.apply(fleet())
    task = waiting(bare)
    with pytest.raises(Refused, match="no rule allows") as refused:
        declassify(bare.hub, task.id, ADMIN, to="public", why="w")
    assert refused.value.hint is not None
    assert "allow: declassify" in refused.value.hint
    assert task_of(bare, task.id).sensitivity == "confidential"
    [line] = lines(bare, "task.declassify_refused")
    assert line.entry.facts["to"] == "public"


def test_a_rule_may_name_the_level_that_is_left(bare: HubAtHand) -> None:
    some = replace(ADMINS_DECLASSIFY, levels=("internal",))
    bare.apply(fleet(access=(OPERATORS_DISPATCH, some)))
    with pytest.raises(Refused):
        declassify(bare.hub, waiting(bare).id, ADMIN, to="public", why="w")
    assert declassify(bare.hub, waiting(bare, "internal").id, ADMIN, to="public", why="w")
