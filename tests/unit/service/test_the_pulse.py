"""What the dashboard counts in memory: ends by minute, dollars by day, once for each end."""

import pytest

from agentctl.errors import Refused
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.model.task import NewTask
from agentctl.service import decisions, pulse, reach
from agentctl.service.board import LOOKED_AT_MAX, board
from agentctl.service.cancel import cancel
from agentctl.service.declassify import declassify
from agentctl.service.pulse import Pulse
from agentctl.service.submit import submit
from agentctl.store import tasks
from tests.fakes.busy_fleet import fill
from tests.unit.service.conftest import ADMIN, HubAtHand


def test_each_end_is_counted_once_in_its_minute(bare: HubAtHand) -> None:
    fill(bare)
    found = bare.hub.live.pulse.minutes(bare.clock.wall_s())
    assert len(found) == 60
    assert sum(completed for completed, _ in found) == 13
    assert sum(others for _, others in found) == 1
    assert round(bare.hub.live.pulse.cost_usd(bare.clock.wall_s()), 4) == 6.4936


def test_what_happens_to_an_ended_task_is_no_second_end(at_hand: HubAtHand) -> None:
    task, _ = submit(at_hand.hub, NewTask(prompt="x"), ADMIN)
    cancel(at_hand.hub, task.id, ADMIN)
    with pytest.raises(Refused):  # no rule allows it, which was noted on the task
        declassify(at_hand.hub, task.id, ADMIN, to="public", why="it is known")
    assert at_hand.hub.live.pulse.minutes(at_hand.clock.wall_s())[-1] == (0, 1)


def test_a_hub_that_restarted_takes_up_what_ended_before_and_counts_nothing_twice(
    bare: HubAtHand,
) -> None:
    fill(bare)
    now_s = bare.clock.wall_s()
    before = bare.hub.live.pulse
    bare.hub.live.pulse, bare.hub.live.listening_since_s = Pulse(), now_s
    for _ in range(2):
        board(bare.hub, ADMIN)
    after = bare.hub.live.pulse
    assert after.minutes(now_s) == before.minutes(now_s)
    assert round(after.cost_usd(now_s), 6) == round(before.cost_usd(now_s), 6)
    assert after.since_s == 0.0


def test_of_more_tasks_than_are_read_it_says_since_when_it_knows(
    bare: HubAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bare)
    bare.hub.live.pulse = Pulse()
    monkeypatch.setattr(pulse, "LOADED_MAX", 3)
    monkeypatch.setattr(tasks, "PAGE_MAX", 2)
    pulse.load(bare.hub.live.pulse, bare.hub.store, until_s=bare.clock.wall_s())
    assert bare.hub.live.pulse.since_s > 0


def test_old_minutes_and_days_are_forgotten(bare: HubAtHand) -> None:
    fill(bare)
    found = bare.hub.live.pulse
    bare.clock.advance(90_000.0)
    task, _ = submit(bare.hub, NewTask(prompt="x"), ADMIN)
    cancel(bare.hub, task.id, ADMIN)
    assert sum(map(sum, found.minutes(bare.clock.wall_s()))) == 1
    assert found.cost_usd(bare.clock.wall_s()) == 0.0
    assert len(found._completed) + len(found._others) + len(found._costs) <= 2


def test_the_board_says_where_labelled_work_is(bare: HubAtHand) -> None:
    fill(bare)
    found = board(bare.hub, ADMIN)
    assert [each["level"] for each in found["levels"]] == [
        "restricted",
        "confidential",
        "internal",
        "public",
    ]
    assert found["levels"][1] == {
        "level": "confidential",
        "held": 2,
        "queued": 0,
        "at_work": 1,
        "where": [{"boundary": "private", "provider": "ollama", "tasks": 1}],
    }
    assert (found["whole"], sum(found["held"].values())) == (True, 2)


def test_what_the_board_reads_does_not_grow_with_the_tasks(at_hand: HubAtHand) -> None:
    for _ in range(LOOKED_AT_MAX + 20):
        submit(at_hand.hub, NewTask(prompt="x"), ADMIN)
    found = board(at_hand.hub, ADMIN)
    assert not found["whole"]
    assert sum(each["queued"] for each in found["levels"]) == LOOKED_AT_MAX


@pytest.mark.parametrize("role", [Role.CI, Role.GATEWAY])
def test_who_may_not_read_tasks_gets_no_board_and_no_decisions(
    at_hand: HubAtHand, role: Role
) -> None:
    who = OperatorPrincipal(name="x", role=role)
    with pytest.raises(Refused):
        board(at_hand.hub, who)
    with pytest.raises(Refused):
        decisions.page(at_hand.hub, who, allowed=None, limit=1, before=None)
    with pytest.raises(Refused):
        decisions.one(at_hand.hub, who, "dec-1")
    if role is not Role.CI:
        with pytest.raises(Refused):
            reach.applied(at_hand.hub, who)
