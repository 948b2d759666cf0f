"""Why a provider can't be reached is for operators: in the task's error and the status, not for agents."""

from dataclasses import replace

import pytest

from agentctl.model.task import NewTask
from agentctl.service import model_calls, views
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table
from tests.unit.service.conftest import ADMIN, HubAtHand

WHY = "provider ollama can't be reached at http://127.0.0.1:11434: Connection refused"
SAID = "the model's API answered 502: provider ollama can't be reached"


def _fails(at: HubAtHand, *, status: str, reason: str = "api_error", retryable: bool) -> str:
    """Have one task's only call end with `status`, and its attempt after it; return its id."""
    task, _ = submit(at.hub, NewTask(prompt="x"), ADMIN)
    who = at.born("researcher", container="c-1")
    (given,) = poll(at.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)
    asked = {
        "token": given["payload"]["model_token"],
        "container": "c-1",
        "provider": "ollama",
        "path": "/v1/messages",
        "model": "qwen3",
    }
    opened = model_calls.open_call(at.hub, asked)
    why = {"why": WHY} if status == "upstream-failed" else {}
    model_calls.usage(at.hub, opened["call"], {"status": status, **why})
    payload = {"reason": reason, "detail": SAID, "retryable": retryable, "partial": False}
    about = {"task": task.id, "attempt": 1}
    report(at.hub, who, {"id": "m-1", "type": "task.accepted", **about, "payload": {}})
    report(at.hub, who, {"id": "m-2", "type": "task.failed", **about, "payload": payload})
    return task.id


@pytest.mark.parametrize("retryable", [True, False])
def test_the_tasks_error_names_address_and_cause(at_hand: HubAtHand, retryable: bool) -> None:
    task_id = _fails(at_hand, status="upstream-failed", retryable=retryable)
    with at_hand.hub.store.read() as txn:
        task = task_table.get(txn, task_id)
    assert task is not None
    assert task.error == f"{WHY} ({SAID})"
    # the result may go to another agent, so it stays in the words that an agent may read
    assert task.result is None or task.result.detail == SAID


@pytest.mark.parametrize(
    ("status", "reason"), [("200", "api_error"), ("upstream-failed", "crashed")]
)
def test_another_failure_keeps_its_own_words(at_hand: HubAtHand, status: str, reason: str) -> None:
    task_id = _fails(at_hand, status=status, reason=reason, retryable=False)
    with at_hand.hub.store.read() as txn:
        task = task_table.get(txn, task_id)
    assert task is not None
    assert task.error == SAID


def test_the_status_says_it_from_the_first_failure_on(at_hand: HubAtHand) -> None:
    assert views.status(at_hand.hub, ADMIN)["failing"] == {}
    _fails(at_hand, status="upstream-failed", retryable=True)
    assert views.status(at_hand.hub, ADMIN)["failing"] == {"ollama": f"1 call failed: {WHY}"}
    fleet = at_hand.hub.fleet
    assert fleet is not None
    bare = replace(fleet.generation.desired, providers=())
    at_hand.hub.fleet = replace(fleet, generation=replace(fleet.generation, desired=bare))
    assert views.status(at_hand.hub, ADMIN)["failing"] == {}  # no longer declared
