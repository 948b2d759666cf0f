"""Take in a task: label, route, policy, then one durable write before the answer."""

import difflib

from agentctl import failpoints
from agentctl.errors import Conflict, InputError, Refused, TooLarge, Unavailable
from agentctl.model.decision import Decision
from agentctl.model.digest import digest
from agentctl.model.mode import Verb
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import PROMPT_BYTES_MAX, NewTask, Task, TaskBody, TaskState
from agentctl.routing import Chosen, NoRoute
from agentctl.service import backlog, narrowing, route_task
from agentctl.service.context import Fleet, Hub
from agentctl.service.live import WOKEN_FOR_ONE
from agentctl.service.narrowing import Say
from agentctl.service.record import note, note_decision, note_task
from agentctl.service.roles import TAKEN, require_role
from agentctl.store import Txn, idempotency
from agentctl.store import tasks as task_table
from agentctl.tasks import hold, queue

Taken = tuple[
    Task | None, bool, Refused | None
]  # the task, whether it is new, or why there is none

ASKED_CHARS_MAX = 500  # of a submitter's labels in a journal line


def submit(
    hub: Hub, new: NewTask, who: OperatorPrincipal, *, retry_of: str | None = None
) -> tuple[Task, bool]:
    """Store a task durably and queue it for an agent, or hold it with the reason.

    Returns the task and whether it is new: a repeated idempotency key returns the
    first task. Raises InputError (unknown level or agent), Refused (policy lets the
    submitter reach no agent), Conflict (the key was used for another request),
    Throttled (as much waits as may, or comes from this submitter), Unavailable (nothing
    applied yet, the mode forbids it, or OPA gives no answer).
    """
    require_role(who, TAKEN["task.submit"], "submit tasks")
    principal = f"operator:{who.name}"
    # Whatever mode and fleet have become, a repeat gets its first answer.
    with hub.store.read() as txn:
        repeated = _first(txn, new, principal)
    if repeated is not None:
        return repeated, False
    hub.require(Verb.SUBMIT)
    fleet = hub.fleet
    if fleet is None:
        raise Unavailable("no fleet is applied yet", hint="run `agentctl apply` first")
    _check(new, fleet)
    backlog.require_share(hub, principal)
    failpoints.hit("service.submit.before")
    # By the generation in force when it is written: no later reroute looks at it.
    # The denial is written first, then raised: raising inside would take its record back
    task, created, refusal = narrowing.write(
        hub,
        lambda txn, say: _submit(hub, txn, say, new, who, principal, retry_of),
        verb=Verb.SUBMIT,
        repeated=lambda txn: _repeated(txn, new, principal),
        rehearse=lambda txn, say: _pick(hub, txn, say, _record(hub, txn, say, new, who, retry_of)),
    )
    failpoints.hit("service.submit.after")
    if refusal is not None:
        raise refusal
    assert task is not None
    hub.live.waiters.wake("reconciler")
    hub.live.waiters.wake(f"agent:{task.agent}", at_most=WOKEN_FOR_ONE)
    return task, created


def _submit(
    hub: Hub,
    txn: Txn,
    say: Say,
    new: NewTask,
    who: OperatorPrincipal,
    principal: str,
    retry_of: str | None,
) -> Taken:
    backlog.require_room(txn)
    fleet = say.fleet
    task = _record(hub, txn, say, new, who, retry_of)
    found = _pick(hub, txn, say, task)
    if isinstance(found, NoRoute):
        refusal = _refusal(hub, txn, say, task, found)
        if refusal is not None:
            return None, False, refusal
        task = hold(task, found.reason)
        event = "held"
    else:
        asked = route_task.question(task, found.agent)
        answer = say.decide(asked)
        decision = Decision(
            allowed=True, rule=found.rule, reason=f"{answer.reason}; routed by {found.rule!r}"
        )
        task = queue(
            task, route_task.routed(found, fleet, note_decision(hub, txn, asked, decision))
        )
        event = "queued"
    body = TaskBody(prompt=new.prompt, output_schema=new.output_schema)
    task_table.add(txn, task, body)
    if new.idempotency_key is not None:
        idempotency.remember(txn, principal, new.idempotency_key, task.id, digest(new))
    facts = _asked(new) | {"prompt_sha256": digest(new.prompt), "retry_of": retry_of or ""}
    note_task(hub, txn, task, "submitted", who=principal, **facts)
    note_task(hub, txn, task, event, who="hub", detail=task.held_reason)
    return task, True, None


def _repeated(txn: Txn, new: NewTask, principal: str) -> Taken | None:
    first = _first(txn, new, principal)
    return None if first is None else (first, False, None)


def _pick(hub: Hub, txn: Txn, say: Say, task: Task) -> Chosen | NoRoute:
    return route_task.pick(txn, say, task, hub.live)


def _check(new: NewTask, fleet: Fleet) -> None:
    size = len(new.prompt.encode())
    if size > PROMPT_BYTES_MAX:
        raise TooLarge(
            f"the prompt is {size} bytes, the bound is {PROMPT_BYTES_MAX}",
            hint="put long material in the agent's workspace and name it in the prompt",
        )
    if not new.prompt.strip():
        raise InputError("the prompt is empty", fields=[("/prompt", "must not be empty")])
    if new.sensitivity is not None and not fleet.levels.known(new.sensitivity):
        raise _unknown("sensitivity", "level", new.sensitivity, fleet.levels.names)
    if new.agent is not None and new.agent not in fleet.agents:
        raise _unknown("agent", "agent", new.agent, tuple(fleet.agents))


def _unknown(field: str, noun: str, name: str, known: tuple[str, ...]) -> InputError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known) or 'none'}"
    return InputError(
        f"{noun} {name!r} is not declared", hint=hint, fields=[(f"/{field}", f"unknown {noun}")]
    )


def _first(txn: Txn, new: NewTask, principal: str) -> Task | None:
    if new.idempotency_key is None:
        return None
    first = idempotency.first(txn, principal, new.idempotency_key)
    if first is None:
        return None
    task_id, asked = first
    if asked != digest(new):
        raise Conflict(
            f"idempotency key {new.idempotency_key!r} was used for another request, task {task_id}",
            hint="use a new key for a new request",
        )
    return task_table.get(txn, task_id)


def _record(
    hub: Hub,
    txn: Txn,
    say: Say,
    new: NewTask,
    who: OperatorPrincipal,
    retry_of: str | None,
) -> Task:
    fleet = say.fleet
    now_s = hub.clock.wall_s()
    return Task(
        id=hub.ids.new("task"),
        state=TaskState.HELD,
        sensitivity=fleet.levels.join(_derived_from(txn, fleet, new)),
        declared=new.sensitivity,
        submitted_by=f"operator:{who.name}",
        submitter_role=who.role.value,
        submitted_at_s=now_s,
        capabilities=tuple(sorted(set(new.capabilities))),
        agent_wanted=new.agent,
        labels=new.labels,
        priority=new.priority,
        deadline_s=_deadline(new, now_s),
        timeout_s=new.timeout_s,
        max_attempts=new.max_attempts,
        parent=new.parent,
        budget=new.budget,
        retry_of=retry_of,
    )


def _derived_from(txn: Txn, fleet: Fleet, new: NewTask) -> tuple[str, ...]:
    """Return the labels that a task's own is the highest of: what it declares, and its parent's.

    What the parent's container wrote carries that container's label: the child may hold it.
    """
    own = new.sensitivity if new.sensitivity is not None else fleet.levels.default
    if new.parent is None:
        return (own,)
    parent = task_table.get(txn, new.parent)
    if parent is None:
        raise InputError(
            f"the parent {new.parent} is unknown", fields=[("/parent", "unknown task")]
        )
    written = (parent.result.label,) if parent.result and parent.result.label else ()
    return (own, parent.sensitivity, *written)


def _deadline(new: NewTask, now_s: float) -> float | None:
    if new.deadline_in_s is not None:
        return now_s + new.deadline_in_s
    if new.deadline_s is not None and new.deadline_s <= now_s:
        raise InputError("the deadline has passed", fields=[("/deadline_s", "has passed")])
    return new.deadline_s


def _asked(new: NewTask) -> dict[str, str]:
    """Return what the submitter asked for as the journal's line has it: bounds and keys, never bodies."""
    budget = new.budget
    asked = {
        "priority": new.priority or "",
        "deadline_s": new.deadline_s or "",
        "deadline_in_s": new.deadline_in_s or "",
        "timeout_s": f"{new.timeout_s:g}",
        "max_attempts": new.max_attempts,
        "parent": new.parent or "",
        "idempotency_key": new.idempotency_key or "",
        "labels": " ".join(f"{name}={value}" for name, value in new.labels)[:ASKED_CHARS_MAX],
        "budget_usd": "" if budget.usd is None else f"{budget.usd:g}",
        "budget_tokens": budget.tokens or "",
        "budget_turns": budget.turns or "",
        "output_schema_sha256": digest(new.output_schema) if new.output_schema else "",
    }
    return {name: str(value) for name, value in asked.items()}


def _refusal(hub: Hub, txn: Txn, say: Say, task: Task, found: NoRoute) -> Refused | None:
    """Refuse, rather than hold, when policy lets this submitter reach none of the agents it asked for.

    So too when OPA refuses all that could take it otherwise.
    """
    asked = [task.agent_wanted] if task.agent_wanted else sorted(say.fleet.agents)
    questions = [route_task.question(task, name) for name in asked]
    answers = [(each, say.fleet.policy.decide(each)) for each in questions]
    by_opa = route_task.refused_by_opa(say, found)
    if by_opa is not None:
        answers = [by_opa]
    if not answers or any(answer.allowed for _, answer in answers):
        return None
    asked_first, answer = answers[0]
    decision_id = note_decision(hub, txn, asked_first, answer)
    note(
        hub,
        txn,
        "task.refused",
        who=task.submitted_by,
        decision=decision_id,
        label=task.sensitivity,
        rule=answer.rule,
    )
    return Refused(answer.reason, rule=answer.rule, decision_id=decision_id)
