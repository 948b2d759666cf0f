"""A rule's hours are asked about when the task is submitted, and that answer stands."""

import pytest

from agentctl.errors import Refused
from agentctl.model.fleet import AccessRule, Effect, Window
from agentctl.model.task import NewTask, TaskState
from agentctl.routing import Chosen
from agentctl.service import route_task
from agentctl.service.narrowing import among
from agentctl.service.submit import submit
from tests.fakes.fleet import fleet
from tests.unit.service.conftest import ADMIN, HubAtHand

BY_DAY = AccessRule(
    name="by day",
    effect=Effect.ALLOW,
    verb="task.submit",
    principal="role:admin",
    window=Window(days=("mon",), since_min=8 * 60, until_min=18 * 60),
)
MONDAY_13_46 = 1_000_000.0


def test_a_submit_outside_the_hours_is_refused_and_says_them(bare: HubAtHand) -> None:
    bare.clock.wall = MONDAY_13_46 + 6 * 3600
    bare.apply(fleet(access=(BY_DAY,)))
    with pytest.raises(Refused, match="now; 'by day' does mon 08:00-18:00 UTC"):
        submit(bare.hub, NewTask(prompt="hi"), ADMIN)


def test_what_was_submitted_within_the_hours_may_be_handed_out_after_them(bare: HubAtHand) -> None:
    bare.clock.wall = MONDAY_13_46
    bare.apply(fleet(access=(BY_DAY,)))
    task, _ = submit(bare.hub, NewTask(prompt="hi"), ADMIN)
    assert task.state is TaskState.QUEUED
    bare.clock.wall += 6 * 3600
    with pytest.raises(Refused):
        submit(bare.hub, NewTask(prompt="another"), ADMIN)
    assert bare.hub.fleet is not None
    with bare.hub.store.read() as txn:
        assert isinstance(route_task.pick(txn, among(bare.hub, {}), task), Chosen)
