"""The table of a task's life, and what each step leaves on the record."""

from dataclasses import replace

import pytest

from agentctl.model.task import FINAL, Result, Routed, Task, TaskEvent, TaskState, Usage
from agentctl.tasks import (
    TRANSITIONS,
    Impossible,
    accept,
    cancel,
    complete,
    expire,
    fail,
    lease,
    next_state,
    put_off,
    queue,
    renew,
    time_out,
    withdraw,
)

ROUTED = Routed(
    agent="dev", provider="p", boundary="private", rule="r", decision="dec-1", generation=1
)
HELD = Task(
    id="task-1",
    state=TaskState.HELD,
    sensitivity="internal",
    declared=None,
    submitted_by="operator:uid:0",
    submitted_at_s=0.0,
    max_attempts=2,
)


def leased(task: Task = HELD) -> Task:
    waiting = queue(task, ROUTED) if task.state is TaskState.HELD else task
    return lease(
        waiting,
        instance="inst-1",
        agent="dev",
        container="c1",
        boot_id="boot",
        boot_s=100.0,
        lease_s=30.0,
    )


def running(task: Task = HELD) -> Task:
    return accept(leased(task), now_s=5.0, boot_s=105.0)


def test_nothing_happens_to_a_task_that_has_ended() -> None:
    assert not [state for state, _ in TRANSITIONS if state in FINAL]
    for event in TaskEvent:
        with pytest.raises(Impossible):
            next_state(TaskState.COMPLETED, event)


def test_every_state_can_be_reached_and_every_open_one_can_be_cancelled() -> None:
    assert set(TRANSITIONS.values()) | {TaskState.HELD} == set(TaskState)
    for state in set(TaskState) - FINAL:
        assert TRANSITIONS[state, TaskEvent.CANCELLED] is TaskState.CANCELLED
        assert (state, TaskEvent.DEADLINE) in TRANSITIONS or state in FINAL


def test_a_lease_counts_the_attempt_up_and_names_its_holder() -> None:
    task = leased()
    assert task.lease is not None
    assert (task.attempt, task.lease.instance, task.lease.expires_at_s) == (1, "inst-1", 130.0)


def test_a_heartbeat_gives_one_period_from_now() -> None:
    task = renew(running(), boot_id="boot", boot_s=120.0, lease_s=30.0)
    assert task.lease is not None
    assert task.lease.expires_at_s == 150.0


def test_an_attempts_time_counts_from_its_acceptance_and_anew_after_a_reboot() -> None:
    task = running()
    assert task.lease is not None
    assert task.lease.began_s == 105.0
    beaten = renew(task, boot_id="boot", boot_s=120.0, lease_s=30.0)
    assert beaten.lease is not None
    assert beaten.lease.began_s == 105.0
    rebooted = renew(task, boot_id="next", boot_s=7.0, lease_s=30.0)
    assert rebooted.lease is not None
    assert (rebooted.lease.began_s, rebooted.lease.expires_at_s) == (7.0, 37.0)


def test_an_expired_lease_is_queued_again_until_the_attempts_are_spent() -> None:
    again = expire(running(), reason="silent", now_s=9.0)
    assert (again.state, again.lease, again.instance, again.attempt) == (
        TaskState.QUEUED,
        None,
        "",
        1,
    )
    dead = expire(running(again), reason="silent", now_s=20.0)
    assert (dead.state, dead.error, dead.finished_at_s) == (TaskState.DEAD, "silent", 20.0)


def test_a_failure_is_retried_only_when_it_may_help_and_attempts_are_left() -> None:
    result = Result(reason="api_error", detail="overloaded")
    again = fail(running(), result, Usage(), retryable=True, now_s=9.0)
    assert again.state is TaskState.QUEUED
    assert fail(running(again), result, Usage(), retryable=True, now_s=9.0).state is TaskState.DEAD
    for_good = fail(running(), result, Usage(), retryable=False, now_s=9.0)
    assert (for_good.state, for_good.error) == (TaskState.FAILED, "overloaded")


def test_a_result_before_it_was_accepted_is_impossible() -> None:
    with pytest.raises(Impossible, match="completed can't happen to a task that is leased"):
        complete(leased(), Result(), Usage(), now_s=1.0)


def test_ending_gives_the_lease_back() -> None:
    done = complete(running(), Result(text="4"), Usage(output_tokens=1), now_s=9.0)
    assert (done.state, done.lease, done.instance) == (TaskState.COMPLETED, None, "inst-1")
    assert cancel(running(), reason="why", now_s=9.0).lease is None
    assert time_out(running(), reason="late", now_s=9.0).state is TaskState.TIMED_OUT


def test_a_withdrawn_task_forgets_where_it_was_going() -> None:
    task = withdraw(queue(HELD, ROUTED), "no longer declared")
    assert (task.state, task.routed, task.held_reason) == (
        TaskState.HELD,
        None,
        "no longer declared",
    )


def test_the_first_start_stands_over_later_attempts() -> None:
    again = expire(running(), reason="silent", now_s=9.0)
    assert running(again).started_at_s == 5.0
    assert running(replace(HELD)).started_at_s == 5.0


def test_an_attempt_that_was_put_off_is_held_and_not_spent() -> None:
    task = put_off(running(), Usage(), detail="down", reason="provider p can't be reached")
    assert (task.state, task.held_reason, task.error) == (
        TaskState.HELD,
        "provider p can't be reached",
        "down",
    )
    assert (task.attempt, task.put_off, task.lease, task.routed) == (1, 1, None, None)
    third = task
    for _ in range(2):  # max_attempts is 2, and two more were begun
        assert not third.spent
        third = expire(
            leased(queue(third, ROUTED) if third.state is TaskState.HELD else third),
            reason="gone",
            now_s=9.0,
        )
    assert (third.state, third.attempt) == (TaskState.DEAD, 3)
