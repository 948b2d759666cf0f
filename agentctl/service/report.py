"""What an agent says of its tasks: accepted, progress, completed, failed, heartbeat.

Only the current attempt from the instance that holds it changes a task; others get a conflict
and change nothing. A message id counts once per sender: a repeat gets the first answer.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agentctl import failpoints
from agentctl.errors import Conflict, InputError
from agentctl.model.artifact import Artifact
from agentctl.model.digest import digest
from agentctl.model.mode import Verb
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import TEXT_BYTES_MAX, Result, Task, TaskState, Usage
from agentctl.service import artifacts, budgets, claims, delegated, failing, next_task, put_off
from agentctl.service.context import Hub
from agentctl.service.delegate import delegate
from agentctl.service.live import WOKEN_FOR_ONE
from agentctl.service.poll import Held, holds_lease
from agentctl.service.record import note_task
from agentctl.service.send import send
from agentctl.store import Txn, answers, instances
from agentctl.store import tasks as task_table
from agentctl.tasks import Impossible, accept, complete, fail, renew

RESULTS = frozenset({"task.completed", "task.failed"})

Step = Callable[[Hub, Txn, Task, dict[str, Any]], Task]
Taker = Callable[[Hub, AgentPrincipal, dict[str, Any]], dict[str, Any]]


def report(
    hub: Hub,
    who: AgentPrincipal,
    message: dict[str, Any],
    *,
    slots: int = 0,
    holds: Sequence[Held] = (),
) -> dict[str, Any]:
    """Take one message of an agent; return the answer its sender gets, now and on every repeat.

    A result's answer also brings tasks for `slots` that are free after it, while `holds` are held;
    they are no part of the answer that is remembered: what is lost on the way comes with the next poll.
    Raises Conflict for a stale attempt or another's task, InputError for a type that isn't taken.
    """
    hub.live.instance_seen_s[who.instance] = hub.clock.wall_s()
    taker = _TAKERS.get(message["type"])
    if taker is None:
        raise InputError(
            f"messages of type {message['type']!r} are not taken here",
            fields=[("/type", f"one of {', '.join(sorted(_TAKERS))}")],
        )
    if message["type"] in RESULTS:
        return _outcome(hub, who, message, slots=slots, holds=holds)
    return taker(hub, who, message)


def _outcome(
    hub: Hub,
    who: AgentPrincipal,
    message: dict[str, Any],
    *,
    slots: int = 0,
    holds: Sequence[Held] = (),
) -> dict[str, Any]:
    """Take what an agent says of how its task goes on, and wake whom it concerns."""
    kind = message["type"]
    hub.require(Verb.SETTLE)
    counts = claims.as_it_counts(hub, who, message)
    failpoints.hit("service.settle.before")
    answer = next_task.settled(
        hub,
        who,
        lambda txn: _settle(hub, txn, who, message, counts),
        slots=slots,
        holds=holds,
    )
    failpoints.hit("service.settle.after")
    _tidy(hub, kind, message["task"])
    if kind == "task.failed":
        put_off.look_again(hub, message["task"])
    delegated.tell(hub)
    hub.live.waiters.wake(f"task:{message['task']}", f"instance:{who.instance}", "reconciler")
    hub.live.waiters.wake(f"agent:{who.agent}", at_most=WOKEN_FOR_ONE)  # it may be queued again
    return answer


def _tidy(hub: Hub, kind: str, task_id: str) -> None:
    if kind == "task.accepted" or not hub.shelf.has(task_id):
        return
    with hub.store.read() as txn:
        task = task_table.get(txn, task_id)
    if task is not None:
        artifacts.tidy(hub, task)


def _settle(
    hub: Hub, txn: Txn, who: AgentPrincipal, message: dict[str, Any], counts: dict[str, Any]
) -> dict[str, Any]:
    """Settle a message: `message` as it was sent (a repeat is known by it), `counts` what of it counts."""
    said = digest(message)
    first = answers.first(txn, who.instance, message["id"])
    if first is not None:
        if first[0] != said:
            raise Conflict(f"message id {message['id']!r} was used for another message")
        return first[1]
    task = _current(txn, who, message["task"], message["attempt"])
    step, event = _STEPS[counts["type"]]
    try:
        after = step(hub, txn, task, counts["payload"])
    except Impossible as why:
        raise Conflict(f"task {task.id}: {why}") from why
    task_table.put(txn, after)
    outcome = event if after.state is not TaskState.QUEUED else "failed_retryable"
    outcome = {TaskState.DEAD: "dead", TaskState.HELD: "put_off"}.get(after.state, outcome)
    facts = _kept(after)
    quoted = "" if event == "accepted" else after.error[:200]  # then it is an attempt before's
    reason = counts["payload"].get("reason", "")
    note_task(hub, txn, after, outcome, who=who.spiffe_id, detail=reason, quoted=quoted, **facts)
    answer = {"id": message["id"], "accepted": True}
    answers.remember(txn, who.instance, message["id"], said, answer)
    return answer


def _current(txn: Txn, who: AgentPrincipal, task_id: str, attempt: int) -> Task:
    task = task_table.get(txn, task_id)
    if task is None or not holds_lease(task, who.instance, attempt):
        # one answer for a stale attempt, another's task and no task at all: nothing to learn from it
        raise Conflict(
            f"attempt {attempt} of {task_id} is not held by {who.instance}",
            hint="stop working on it; poll again",
        )
    return task


def _accepted(hub: Hub, _txn: Txn, task: Task, _payload: dict[str, Any]) -> Task:
    return accept(task, now_s=hub.clock.wall_s(), boot_s=hub.clock.boot_s())


def _completed(hub: Hub, txn: Txn, task: Task, payload: dict[str, Any]) -> Task:
    hub.live.progress.pop(task.id, None)
    return complete(
        task,
        _result(txn, task, payload),
        _usage(task, payload, priced=budgets.priced(task, hub.fleet)),
        now_s=hub.clock.wall_s(),
    )


def _failed(hub: Hub, txn: Txn, task: Task, payload: dict[str, Any]) -> Task:
    hub.live.progress.pop(task.id, None)
    result = _result(txn, task, payload)
    usage = _usage(task, payload, priced=budgets.priced(task, hub.fleet))
    waits = put_off.instead(hub, task, usage)
    if waits is not None:
        return waits
    after = fail(
        task,
        result,
        usage,
        retryable=bool(payload["retryable"]),
        now_s=hub.clock.wall_s(),
    )
    born = instances.get(txn, task.instance)
    return failing.with_cause(hub, after, result, born.provider) if born else after


def _result(txn: Txn, task: Task, payload: dict[str, Any]) -> Result:
    """A result carries the label of the container it came from, whatever the task was declared as."""
    born = instances.get(txn, task.instance)
    label = born.label if born else task.sensitivity
    return Result(
        text=_bounded(payload.get("text", "")),
        structured=payload.get("structured"),
        label=label,
        partial=bool(payload.get("partial", False)),
        reason=payload.get("reason", ""),
        detail=payload.get("detail", ""),
        session=payload.get("session") or "",
        turns=payload.get("turns") or 0,
        artifacts=tuple(Artifact(**each, label=label) for each in payload.get("artifacts", ())),
        artifacts_note=payload.get("artifacts_note", ""),
    )


def _kept(task: Task) -> dict[str, str]:
    """Return what the journal's line says of a result's artifacts: how many, and their bytes."""
    kept = task.result.artifacts if task.result else ()
    size = sum(each.size for each in kept)
    return {"artifacts": str(len(kept)), "artifacts_bytes": str(size)} if kept else {}


def _bounded(text: str) -> str:
    raw = text.encode()
    return text if len(raw) <= TEXT_BYTES_MAX else raw[:TEXT_BYTES_MAX].decode(errors="ignore")


def _usage(task: Task, payload: dict[str, Any], *, priced: bool) -> Usage:
    """The gateway's count of tokens stands, the CLI's only where it saw no call.

    Cost is the CLI's, unless a declared price counted it.
    """
    seen = task.usage
    cost = seen.cost_usd if priced else payload.get("cost_usd")
    if seen.calls:
        return Usage(
            input_tokens=seen.input_tokens,
            output_tokens=seen.output_tokens,
            cache_read_tokens=seen.cache_read_tokens,
            cache_write_tokens=seen.cache_write_tokens,
            calls=seen.calls,
            cost_usd=cost,
        )
    said = payload.get("usage") or {}
    return Usage(
        input_tokens=said.get("input_tokens", 0),
        output_tokens=said.get("output_tokens", 0),
        cache_read_tokens=said.get("cache_read_tokens", 0),
        cache_write_tokens=said.get("cache_write_tokens", 0),
        cost_usd=cost,
    )


def _progress(hub: Hub, who: AgentPrincipal, message: dict[str, Any]) -> dict[str, Any]:
    """Progress lives in memory: it is for watching, and the next one replaces it."""
    with hub.store.read() as txn:
        task = _current(txn, who, message["task"], message["attempt"])
    before = hub.live.progress.get(task.id)
    hub.live.progress[task.id] = {
        **message["payload"],
        "attempt": task.attempt,
        "at_s": hub.clock.wall_s(),
        "number": before["number"] + 1 if before else 1,
        "moved_s": _moved_s(hub, message["payload"], before),
    }
    hub.live.waiters.wake(f"task:{task.id}")
    return {"id": message["id"], "accepted": True}


def _moved_s(hub: Hub, payload: dict[str, Any], before: dict[str, Any] | None) -> float:
    """Return when the figures last changed: agentd may say the same again, and that is no progress."""
    if before is not None and all(before.get(name) == value for name, value in payload.items()):
        return float(before["moved_s"])
    hub.live.moved_s = hub.clock.wall_s()
    return hub.clock.wall_s()


def _heartbeat(hub: Hub, who: AgentPrincipal, message: dict[str, Any]) -> dict[str, Any]:
    """Renew the leases that the beat names and that are still this instance's; name the lost ones."""
    named = [(each["task"], each["attempt"]) for each in message["payload"]["holds"]]
    lost: list[tuple[str, int]] = []
    if named:
        lost = hub.store.write(lambda txn: _renew(hub, txn, who, named))
    return {
        "id": message["id"],
        "accepted": True,
        "lost": [{"task": task_id, "attempt": attempt} for task_id, attempt in lost],
    }


def _renew(
    hub: Hub, txn: Txn, who: AgentPrincipal, named: list[tuple[str, int]]
) -> list[tuple[str, int]]:
    lost = []
    assert hub.fleet is not None
    for task_id, attempt in named:
        task = task_table.get(txn, task_id)
        if task is None or not holds_lease(task, who.instance, attempt):
            lost.append((task_id, attempt))
            continue
        renewed = renew(
            task,
            boot_id=hub.clock.boot_id,
            boot_s=hub.clock.boot_s(),
            lease_s=hub.fleet.lease_s,
        )
        task_table.put(txn, renewed)
    return lost


_STEPS: dict[str, tuple[Step, str]] = {
    "task.accepted": (_accepted, "accepted"),
    "task.completed": (_completed, "completed"),
    "task.failed": (_failed, "failed"),
}

# Who takes which type; each is called with the hub, the verified sender and the message.
_TAKERS: dict[str, Taker] = {
    **dict.fromkeys(_STEPS, _outcome),
    "task.progress": _progress,
    "agent.heartbeat": _heartbeat,
    **dict.fromkeys(("request", "reply", "event", "broadcast"), send),
    "delegate": delegate,
}
