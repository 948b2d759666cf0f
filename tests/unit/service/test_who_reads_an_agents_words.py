"""The end of a program's output is content: in no journal line, and before no viewer."""

from typing import Any

import pytest

from agentctl.model.instance import InstanceState
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask, TaskState
from agentctl.service import cancel, delegated, follow, instances, registry, report, views
from agentctl.service.poll import poll
from agentctl.service.submit import submit
from agentctl.store import export, journal
from tests.fakes.fleet import THINKER
from tests.fakes.talk import AGENTS_TALK, Talker, at_work, talkers
from tests.unit.service.conftest import ADMIN, HubAtHand
from tests.unit.service.test_delegating import AGENTS_DELEGATE, HELPER, LEAD, child_of, working_on

VIEWER = OperatorPrincipal(name="token:board", role=Role.VIEWER)
WORDS = "the program exited with 1: the patient is called Ada"


@pytest.fixture
def office(bare: HubAtHand) -> HubAtHand:
    bare.apply(talkers(LEAD, HELPER, THINKER, rules=(AGENTS_TALK, AGENTS_DELEGATE)))
    return bare


def fail(worker: Talker, *, retryable: bool) -> None:
    payload = {"text": "", "reason": "crashed", "detail": WORDS, "partial": False}
    message = worker.message("task.failed", {})
    worker.say({**message, "payload": {**payload, "retryable": retryable}})


def note(worker: Talker) -> None:
    message = worker.message("task.progress", {})
    payload = {"turns": 1, "tools": 0, "input_tokens": 1, "output_tokens": 1, "note": WORDS}
    report.report(worker.at.hub, worker.who, {**message, "payload": payload})


def shown_to(at: HubAtHand, who: OperatorPrincipal, task: str) -> str:
    """Return all that an operator may read of a task."""
    every: dict[str, Any] = {"state": None, "agent": None, "label": (), "since": None}
    listed = views.tasks(at.hub, who, limit=10, before=None, **every)
    wait: dict[str, Any] = {"after": 0, "progress": None, "wait_s": 0.0, "gone": lambda: False}
    return str(
        [
            views.task(at.hub, task, who),
            listed,
            follow.events(at.hub, task, who, **wait)[0],
            registry.agent(at.hub, "lead", who),
        ]
    )


def journaled(at: HubAtHand) -> str:
    with at.hub.store.read() as txn:
        return str(journal.read(txn))


@pytest.mark.parametrize("retryable", [True, False])
def test_an_operator_reads_them_a_viewer_and_the_journal_dont(
    office: HubAtHand, retryable: bool
) -> None:
    lead = at_work(office, "lead")
    note(lead)
    assert "Ada" in shown_to(office, ADMIN, lead.task)
    assert "Ada" not in shown_to(office, VIEWER, lead.task)
    fail(lead, retryable=retryable)
    assert "Ada" in shown_to(office, ADMIN, lead.task)
    assert "Ada" not in shown_to(office, VIEWER, lead.task)
    assert "crashed" in journaled(office)
    assert "Ada" not in journaled(office)


def test_a_viewer_still_reads_what_the_hub_says(office: HubAtHand) -> None:
    task, _ = submit(office.hub, NewTask(prompt="p"), ADMIN)
    cancel.cancel(office.hub, task.id, ADMIN)
    assert views.task(office.hub, task.id, VIEWER)["error"] == "cancelled by operator:uid:0"


def test_a_delegator_is_told_what_its_colleague_said(office: HubAtHand) -> None:
    lead = at_work(office, "lead")
    fail(working_on(office, child_of(lead, agent="helper")), retryable=False)
    [told] = lead.poll()
    assert told["payload"] == {"state": "failed", "reason": "crashed", "detail": WORDS}


@pytest.mark.parametrize(
    ("end", "state", "detail"),
    [
        ("cancelled", TaskState.CANCELLED, "it was cancelled"),
        ("lost", TaskState.DEAD, "its attempts were lost, and none is left"),
    ],
)
def test_a_delegator_is_told_nothing_of_operators_and_containers(
    office: HubAtHand, end: str, state: TaskState, detail: str
) -> None:
    lead = at_work(office, "lead")
    child = child_of(lead, agent="helper")
    if end == "cancelled":
        cancel.cancel(office.hub, child.id, ADMIN)
    else:
        _lose(office, child.id)
    [told] = lead.poll()
    assert told["payload"] == {"state": state.value, "detail": detail}


def _lose(office: HubAtHand, task: str) -> None:
    for replica in range(views.task(office.hub, task, ADMIN)["max_attempts"]):
        who = office.born("helper", replica=replica)
        given = poll(office.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
        assert [each["task"] for each in given] == [task]
        why = "the engine at unix:///run/other/docker.sock lost it"
        instances.mark(office.hub, who.instance, InstanceState.RECYCLED.value, why)
    delegated.look_after(office.hub)


def test_an_export_without_content_has_none_of_them(office: HubAtHand) -> None:
    lead = at_work(office, "lead")
    fail(lead, retryable=False)
    with office.hub.store.read() as txn:
        assert "Ada" in "".join(export.lines(txn))
        assert "Ada" not in "".join(export.lines(txn, content=False))
