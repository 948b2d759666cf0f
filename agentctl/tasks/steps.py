"""What each event does to a task's record. Every function takes a Task and returns the next one.

All raise Impossible when the table of life has no such step. Times: `now_s` is wall clock
seconds for people, `boot_s` CLOCK_BOOTTIME seconds for leases.
"""

from dataclasses import replace

from agentctl.model.task import Lease, Result, Routed, Task, TaskEvent, Usage
from agentctl.tasks.life import next_state


def queue(task: Task, routed: Routed) -> Task:
    """A held task found an agent."""
    state = next_state(task.state, TaskEvent.RELEASED)
    return replace(task, state=state, routed=routed, agent=routed.agent, held_reason="")


def hold(task: Task, reason: str) -> Task:
    """A task that nobody may take yet keeps the reason; it stays held."""
    return replace(task, held_reason=reason)


def withdraw(task: Task, reason: str) -> Task:
    """A queued task's agent may not take it any more."""
    state = next_state(task.state, TaskEvent.WITHDRAWN)
    return replace(task, state=state, routed=None, agent="", held_reason=reason)


def lease(
    task: Task,
    *,
    instance: str,
    agent: str,
    container: str,
    boot_id: str,
    boot_s: float,
    lease_s: float,
) -> Task:
    """Hand the task to an instance: the attempt counts up, and only that pair counts from here on."""
    attempt = task.attempt + 1
    held = Lease(
        attempt=attempt,
        instance=instance,
        agent=agent,
        container=container,
        boot_id=boot_id,
        expires_at_s=boot_s + lease_s,
    )
    return replace(
        task,
        state=next_state(task.state, TaskEvent.POLLED),
        attempt=attempt,
        lease=held,
        agent=agent,
        instance=instance,
        container=container,
    )


def accept(task: Task, *, now_s: float, boot_s: float) -> Task:
    """The instance says that it has begun: the attempt's timeout counts from here."""
    state = next_state(task.state, TaskEvent.ACCEPTED)
    assert task.lease is not None
    return replace(
        task,
        state=state,
        lease=replace(task.lease, began_s=boot_s),
        started_at_s=task.started_at_s if task.started_at_s is not None else now_s,
    )


def renew(task: Task, *, boot_id: str, boot_s: float, lease_s: float) -> Task:
    """A heartbeat: the lease runs for one more period from now."""
    held = task.lease
    assert held is not None
    began_s = held.began_s
    if began_s is not None and held.boot_id != boot_id:
        began_s = boot_s  # another boot's clock says nothing here: its time counts anew
    renewed = replace(held, boot_id=boot_id, expires_at_s=boot_s + lease_s, began_s=began_s)
    return replace(task, lease=renewed)


def resume(task: Task, *, boot_id: str, boot_s: float, lease_s: float) -> Task:
    """The hub was away: the lease runs for one more period, and the attempt's time ends no sooner.

    What was finished meanwhile waits with its agent, and must find its task still open.
    """
    renewed = renew(task, boot_id=boot_id, boot_s=boot_s, lease_s=lease_s)
    held = renewed.lease
    assert held is not None
    if held.began_s is None:
        return renewed
    began_s = max(held.began_s, boot_s + lease_s - task.timeout_s)
    return replace(renewed, lease=replace(held, began_s=began_s))


def complete(task: Task, result: Result, usage: Usage, *, now_s: float) -> Task:
    """The current attempt is done."""
    return _end(task, TaskEvent.COMPLETED, now_s=now_s, result=result, usage=usage)


def fail(task: Task, result: Result, usage: Usage, *, retryable: bool, now_s: float) -> Task:
    """The current attempt failed: again if it may help and attempts are left, else for good."""
    if not retryable:
        return _end(task, TaskEvent.FAILED, now_s=now_s, result=result, usage=usage)
    if task.spent:
        return _end(task, TaskEvent.ATTEMPTS_SPENT, now_s=now_s, result=result, usage=usage)
    state = next_state(task.state, TaskEvent.FAILED_RETRYABLE)
    return replace(_released(task), state=state, usage=usage, error=result.detail)


def put_off(task: Task, usage: Usage, *, detail: str, reason: str) -> Task:
    """The attempt ended because its provider was away: it isn't spent, and the task waits.

    `detail` says how the attempt ended, `reason` why the task is held.
    """
    state = next_state(task.state, TaskEvent.PUT_OFF)
    return replace(
        _released(task),
        state=state,
        usage=usage,
        error=detail,
        put_off=task.put_off + 1,
        routed=None,
        agent="",
        held_reason=reason,
    )


def expire(task: Task, *, reason: str, now_s: float) -> Task:
    """The lease ran out, or its container is gone: the next attempt, or dead when they are spent."""
    if task.spent:
        return replace(_end(task, TaskEvent.ATTEMPTS_SPENT, now_s=now_s), error=reason)
    state = next_state(task.state, TaskEvent.EXPIRED)
    return replace(_released(task), state=state, error=reason)


def cancel(task: Task, *, reason: str, now_s: float) -> Task:
    """An operator took it back."""
    return replace(_end(task, TaskEvent.CANCELLED, now_s=now_s), error=reason)


def time_out(task: Task, *, reason: str, now_s: float) -> Task:
    """Its deadline passed."""
    return replace(_end(task, TaskEvent.DEADLINE, now_s=now_s), error=reason)


def _end(
    task: Task,
    event: TaskEvent,
    *,
    now_s: float,
    result: Result | None = None,
    usage: Usage | None = None,
) -> Task:
    return replace(
        task,
        state=next_state(task.state, event),
        lease=None,
        finished_at_s=now_s,
        result=result,
        usage=usage or task.usage,
        error=result.detail if result else task.error,
    )


def _released(task: Task) -> Task:
    return replace(task, lease=None, instance="", container="")
