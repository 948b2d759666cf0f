"""A task begins only once the hub has confirmed that its lease is ours."""

import dataclasses
import threading
from typing import Any

from agentd.assignment import Assignment, Budget
from agentd.desk import Desk
from agentd.door import Line
from agentd.executors.executor import Report
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.identity import Identity
from agentd.inbox import Inbox
from agentd.known_secrets import KnownSecrets
from agentd.outcome import Completed, Outcome, Work
from agentd.runner import Runner
from agentd.stop import Stop, StopReason
from tests.fakes.hub_for_agentd import task_id

JOB = Assignment(
    message="msg-1",
    task=task_id(1),
    attempt=1,
    prompt="p",
    model_token="mt1.x",
    sensitivity="internal",
    timeout_s=60,
    lease_s=30,
    heartbeat_s=3,
    budget=Budget(),
    output_schema=None,
)


class _Hub(Hub):
    """Answers `task.accepted` as told."""

    def __init__(self, *answers: Exception | None) -> None:
        line = Line("/nowhere")
        super().__init__(line, Identity(line, "it1.x.y"))
        self.answers = list(answers)

    def send(self, message: dict[str, Any]) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if answer is not None:
            raise answer
        return {}


class _Stage:
    """A runner with what it needs; notes what ran and what was spooled."""

    def __init__(self, *answers: Exception | None) -> None:
        self.ran = 0
        self.spooled: list[dict[str, Any]] = []
        self.over = threading.Event()
        self.desk = Desk(1)
        self.desk.listen(self.over.set)
        hub = _Hub(*answers)
        runner = Runner(
            executor=self,
            desk=self.desk,
            spool=self,
            new_hub=lambda: hub,
            inbox=Inbox(lambda: hub),
            known=KnownSecrets({}),
        )
        held = self.desk.take(JOB)
        assert held is not None
        self.stop = held.stop
        runner.start(held)

    def run(self, job: Assignment, *, stop: Stop, report: Report, tools: str) -> Outcome:
        self.ran += 1
        return Completed(work=Work(text="done"))

    def put(self, message: dict[str, Any]) -> None:
        self.spooled.append(message)
        self.over.set()


def test_a_confirmed_task_runs_and_its_result_is_spooled() -> None:
    stage = _Stage(None)
    assert stage.over.wait(5)
    assert stage.ran == 1
    assert [each["type"] for each in stage.spooled] == ["task.completed"]


def test_a_task_that_the_hub_does_not_confirm_never_runs_and_frees_its_slot() -> None:
    stage = _Stage(HubRefused(409, "not current"))
    assert stage.over.wait(5)
    assert stage.ran == 0
    assert stage.spooled == []
    assert stage.desk.free() == 1


def test_a_hub_that_is_away_is_asked_again_before_anything_runs() -> None:
    stage = _Stage(HubAway("away"), HubAway("away"), None)
    assert stage.over.wait(5)
    assert stage.ran == 1


def test_a_cancel_ends_the_asking() -> None:
    stage = _Stage(*[HubAway("away")] * 100_000)
    stage.stop.request(StopReason.CANCELLED)
    assert stage.over.wait(5)
    assert stage.ran == 0
    assert [each["payload"]["reason"] for each in stage.spooled] == ["cancelled"]


def test_the_job_shows_neither_prompt_nor_token() -> None:
    shown = repr(dataclasses.replace(JOB, prompt="the prompt", model_token="mt1.secret"))
    assert "the prompt" not in shown
    assert "secret" not in shown
