"""Lower a task's label: an admin's act that a rule allows, on record with who, why, from what to what.

Nothing else lowers a label. Source: docs/decisions/0024-declassification.md.
"""

from dataclasses import replace

from agentctl.errors import Conflict, InputError, NotFound, Refused, Unavailable
from agentctl.model.decision import Decision, Question
from agentctl.model.mode import Verb
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import FINAL, LIVE, Result, Task, TaskState
from agentctl.service import narrowing, reroute
from agentctl.service.context import Fleet, Hub
from agentctl.service.narrowing import Say
from agentctl.service.record import note_decision, note_task
from agentctl.service.roles import TAKEN, require_role
from agentctl.store import Txn
from agentctl.store import tasks as task_table
from agentctl.tasks import withdraw

VERB = "declassify"
Outcome = tuple[Task | None, Refused | None]


def declassify(hub: Hub, task_id: str, who: OperatorPrincipal, *, to: str, why: str) -> Task:
    """Return the task with the lower label; a waiting one is routed again.

    Of one that has ended, its result and the files it left go down too. Raises Refused (not an
    admin, or no rule allows it), NotFound, InputError (no such level, or not a lower one),
    Conflict (somebody works on it), Unavailable (nothing applied yet, the mode forbids it, or OPA
    gives no answer).
    """
    require_role(who, TAKEN[VERB], "declassify")
    hub.require(Verb.APPLY)
    fleet = hub.fleet
    if fleet is None:
        raise Unavailable("no fleet is applied yet", hint="run `agentctl apply` first")
    if not fleet.levels.known(to):
        known = ", ".join(fleet.levels.names)
        raise InputError(
            f"level {to!r} is not declared", hint=f"there are: {known}", fields=[("/to", "unknown")]
        )
    # The refusal is written first, then raised: raising inside would take its record back.
    task, refusal = narrowing.write(
        hub,
        lambda txn, say: _declassify(hub, txn, say, task_id, who, to, why),
        verb=Verb.APPLY,
    )
    if refusal is not None:
        raise refusal
    assert task is not None
    reroute.reroute(hub)
    hub.live.waiters.wake(f"task:{task_id}", "reconciler")
    return task


def _declassify(
    hub: Hub,
    txn: Txn,
    say: Say,
    task_id: str,
    who: OperatorPrincipal,
    to: str,
    why: str,
) -> Outcome:
    fleet = say.fleet
    task = task_table.get(txn, task_id)
    if task is None:
        raise NotFound(f"no task {task_id!r}", hint="`agentctl tasks` lists them")
    if task.state in LIVE:
        raise Conflict(
            f"{task_id} is {task.state}: what works on it was given its label",
            hint="wait for its end, or cancel it",
        )
    label = _label(fleet, task)
    if not fleet.levels.at_most(to, label) or to == label:
        raise InputError(
            f"{task_id} is {label}: {to} isn't lower", fields=[("/to", "must be lower")]
        )
    asked = Question(
        verb=VERB,
        principal=f"operator:{who.name}",
        target=f"task:{task_id}",
        level=label,
        type=to,
        labels=task.labels,
        role=who.role.value,
        at_s=hub.clock.wall_s(),
    )
    said = say.decide(asked)
    decision = note_decision(hub, txn, asked, said)
    facts = {"from": label, "to": to, "why": why, "decision_id": decision}
    principal = f"operator:{who.name}"
    if not said.allowed:
        note_task(hub, txn, task, "declassify_refused", who=principal, detail=said.reason, **facts)
        return None, _refused(said, decision)
    after = _lowered(fleet, task, to)
    if fleet.opa.enabled and after.state is TaskState.QUEUED:
        after = withdraw(after, "its label was lowered: it is decided again")
    task_table.put(txn, after)
    note_task(
        hub, txn, after, "declassified", who=principal, detail=f"{label} → {to}: {why}", **facts
    )
    return after, None


def _label(fleet: Fleet, task: Task) -> str:
    """Return the highest label of a task and what it left."""
    of_result = (task.result.label,) if task.result and task.result.label else ()
    return fleet.levels.join((task.sensitivity, *of_result))


def _lowered(fleet: Fleet, task: Task, to: str) -> Task:
    lower = to if fleet.levels.at_most(to, task.sensitivity) else task.sensitivity
    result = _result(fleet, task.result, to) if task.state in FINAL else task.result
    return replace(task, sensitivity=lower, result=result)


def _result(fleet: Fleet, result: Result | None, to: str) -> Result | None:
    if result is None or not result.label or not fleet.levels.at_most(to, result.label):
        return result
    files = tuple(replace(each, label=to) for each in result.artifacts)
    return replace(result, label=to, artifacts=files)


def _refused(said: Decision, decision: str) -> Refused:
    return Refused(
        said.reason,
        rule=said.rule,
        decision_id=decision,
        hint="a rule of policies/access.yaml must allow it: allow: declassify, from: role:admin",
    )
