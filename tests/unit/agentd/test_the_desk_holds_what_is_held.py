"""What is held: once per attempt, within the slots, until the hub has answered for the result."""

import dataclasses

from agentd.assignment import Assignment, Budget
from agentd.desk import Desk
from agentd.stop import StopReason
from tests.fakes.hub_for_agentd import task_id

FIRST = Assignment(
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
SECOND = dataclasses.replace(FIRST, task=task_id(2))
THIRD = dataclasses.replace(FIRST, task=task_id(3))


def test_an_attempt_is_taken_once() -> None:
    desk = Desk(2)
    assert desk.take(FIRST) is not None
    assert desk.take(FIRST) is None
    assert desk.holds() == (FIRST.hold,)


def test_no_more_is_taken_than_there_are_slots() -> None:
    desk = Desk(1)
    desk.take(FIRST)
    assert desk.free() == 0
    assert desk.take(SECOND) is None
    desk.release(FIRST.hold)
    assert desk.take(SECOND) is not None


def test_a_closed_desk_takes_nothing_and_has_no_free_slot() -> None:
    desk = Desk(1)
    desk.close()
    assert desk.free() == 0
    assert desk.take(FIRST) is None


def test_whoever_polls_is_told_when_a_slot_is_free_again() -> None:
    desk, told = Desk(1), []
    desk.listen(lambda: told.append(desk.free()))
    desk.take(FIRST)
    desk.release(FIRST.hold)
    assert told == [1]


def test_a_stop_changes_something_once() -> None:
    desk = Desk(1)
    held = desk.take(FIRST)
    assert held is not None
    assert desk.stop(FIRST.hold, StopReason.CANCELLED)
    assert not desk.stop(FIRST.hold, StopReason.LOST)
    assert held.stop.reason is StopReason.CANCELLED
    assert not desk.stop(SECOND.hold, StopReason.LOST)


def test_who_listens_for_a_stop_too_late_is_told_at_once() -> None:
    desk, told = Desk(1), []
    held = desk.take(FIRST)
    assert held is not None
    held.stop.request(StopReason.TIMEOUT)
    held.stop.listen(lambda: told.append("stop"))
    assert told == ["stop"]


def test_the_shortest_heartbeat_of_what_is_held_counts() -> None:
    desk = Desk(1)
    assert desk.beat_s(10) == 10
    desk.take(FIRST)
    assert desk.beat_s(10) == 3


def test_what_takes_a_settled_one_s_place_leaves_no_moment_with_a_free_slot() -> None:
    desk, seen = Desk(1), []
    desk.listen(lambda: seen.append((desk.free(), desk.holds())))
    desk.take(FIRST)
    (held,) = desk.release(FIRST.hold, then=[SECOND, THIRD])
    assert held.job is SECOND
    assert seen == [(0, (SECOND.hold,))]
    desk.close()
    assert desk.release(SECOND.hold, then=[FIRST]) == []


def test_what_will_be_free_after_a_result_is_known_before_it_is_settled() -> None:
    desk = Desk(2)
    desk.take(FIRST)
    assert desk.after(FIRST.hold) == (2, ())
    desk.take(SECOND)
    assert desk.after(FIRST.hold) == (1, (SECOND.hold,))
    desk.close()
    assert desk.after(FIRST.hold) == (0, (SECOND.hold,))
