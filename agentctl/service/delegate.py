"""An agent hands a part of its work on: a task of its own, within all that bounds its delegator.

Label at least the delegator's container's, capabilities within its own, budget out of its own,
depth and number bounded, access rules asked of every candidate.
Source: docs/decisions/0020-delegation.md.
"""

from dataclasses import dataclass, replace
from typing import Any

from agentctl.errors import InputError
from agentctl.messages import Rejection
from agentctl.model.budget import Budget
from agentctl.model.decision import Decision
from agentctl.model.digest import digest
from agentctl.model.message import (
    CHILDREN_LIVE_MAX,
    CHILDREN_MAX,
    DEPTH_MAX,
    HOPS_MAX,
    MESSAGES_OF_A_TASK_MAX,
    CheckName,
)
from agentctl.model.mode import Verb
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import (
    FINAL,
    PROMPT_BYTES_MAX,
    TIMEOUT_S_DEFAULT,
    Delegated,
    Task,
    TaskBody,
    TaskState,
)
from agentctl.routing import NoRoute
from agentctl.service import backlog, budgets, narrowing, output, route_task
from agentctl.service.context import Fleet, Hub
from agentctl.service.live import WOKEN_FOR_ONE
from agentctl.service.message_facts import applied
from agentctl.service.narrowing import Say
from agentctl.service.record import note_decision, note_task
from agentctl.service.standing import Standing, hops_of, require_rate, stale, standing_of
from agentctl.service.turned_away import Sent, durable, first_answer, turn_away
from agentctl.store import Txn, answers
from agentctl.store import tasks as task_table
from agentctl.tasks import hold, queue

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A task that was made, or with `task` None the first answer of a quicker repeat."""

    answer: Message
    task: Task | None = None


def delegate(hub: Hub, who: AgentPrincipal, message: Message) -> Message:
    """Make a task for another agent under the sender's current attempt; a repeat gets the first answer.

    Returns the answer with `task` and `state`. Raises Conflict (not the current attempt),
    InputError, Refused, Throttled or Unavailable, each naming the check that refused.
    """
    sent = Sent(who=who, message=message, budget=message["task"])
    with hub.store.read() as txn:
        first = first_answer(txn, sent)
        standing = standing_of(txn, who, message["task"], message["attempt"])
    if first is not None:
        return first
    hub.require(Verb.SUBMIT)
    applied(hub)
    require_rate(hub, who)
    with durable():
        if standing is None:
            return turn_away(hub, sent, stale(message["task"], message["attempt"]))
        sent = replace(sent, label=standing.instance.label)
        wrong = _schema(message["payload"], who)
        if wrong is not None:
            return turn_away(hub, sent, wrong)
        backlog.require_share(hub, f"agent:{who.agent}")
        made = narrowing.write(
            hub,
            lambda txn, say: _delegate(hub, txn, say, sent),
            verb=Verb.SUBMIT,
            repeated=lambda txn: _repeated(txn, sent),
            check=CheckName.SCOPE,
        )
        if isinstance(made, Rejection):
            return turn_away(hub, sent, made)
    if made.task is not None:
        hub.live.chains.count(message["task"])
        hub.live.waiters.wake("reconciler")
        hub.live.waiters.wake(f"agent:{made.task.agent}", at_most=WOKEN_FOR_ONE)
    return made.answer


def _schema(payload: Message, who: AgentPrincipal) -> Rejection | None:
    """Return the refusal of what the wire schema can't see."""
    size = len(payload["prompt"].encode())
    if size > PROMPT_BYTES_MAX:
        return _broken("/payload/prompt", f"is {size} bytes, the bound is {PROMPT_BYTES_MAX}")
    if not payload["prompt"].strip():
        return _broken("/payload/prompt", "is empty")
    schema = payload.get("output_schema")
    try:
        if schema is not None:
            output.check(schema, asker=who.agent)
    except InputError as why:
        return _broken("/payload/output_schema", why.detail)
    return None


def _repeated(txn: Txn, sent: Sent) -> Made | None:
    first = first_answer(txn, sent)
    return None if first is None else Made(answer=first)


def _delegate(hub: Hub, txn: Txn, say: Say, sent: Sent) -> Made | Rejection:
    """Decide and write in one transaction; a Rejection has written nothing."""
    message, who, fleet = sent.message, sent.who, say.fleet
    standing = standing_of(txn, who, message["task"], message["attempt"])
    if standing is None:
        return stale(message["task"], message["attempt"])
    backlog.require_room(txn)
    children = task_table.children(txn, standing.task.id)
    scope = _scope(hub, fleet, standing, message["payload"], children)
    if isinstance(scope, Rejection):
        return scope
    parent = replace(standing.task, budget=budgets.in_force(standing.task, fleet))
    budget = budgets.share(parent, children, _budget(message["payload"]))
    if isinstance(budget, str):
        return _no(budget, rule="budget", hint="it comes out of your own task's")
    task = _task(hub, fleet, standing, message["payload"], scope, budget)
    found = route_task.pick(txn, say, task, hub.live)
    if isinstance(found, NoRoute):
        refusal = _refused_by_rules(say, task, found)
        if refusal is not None:
            return refusal
        task = hold(task, found.reason)
    else:
        asked = route_task.question(task, found.agent)
        said = say.decide(asked)
        decided = Decision(
            allowed=True, rule=found.rule, reason=f"{said.reason}; routed by {found.rule!r}"
        )
        decision = note_decision(hub, txn, asked, decided)
        task = queue(task, route_task.routed(found, fleet, decision))
    return _written(hub, txn, sent, task)


def _written(hub: Hub, txn: Txn, sent: Sent, task: Task) -> Made:
    message, who = sent.message, sent.who
    payload = message["payload"]
    body = TaskBody(prompt=payload["prompt"], output_schema=payload.get("output_schema"))
    task_table.add(txn, task, body)
    owed = task.delegated
    facts = {
        "prompt_sha256": digest(body.prompt),
        "depth": owed.depth if owed else 0,
        "message": message["id"],
        "capabilities": " ".join(task.capabilities),
    }
    note_task(hub, txn, task, "delegated", who=who.spiffe_id, **facts)
    event = "queued" if task.state is TaskState.QUEUED else "held"
    note_task(hub, txn, task, event, who="hub", detail=task.held_reason)
    answer = {
        "id": message["id"],
        "accepted": True,
        "task": task.id,
        "state": task.state.value,
    }
    answers.remember(txn, who.instance, message["id"], digest(message), answer)
    return Made(answer=answer, task=task)


def _scope(
    hub: Hub, fleet: Fleet, standing: Standing, payload: Message, children: list[Task]
) -> tuple[str, ...] | Rejection:
    """Return the capabilities that a child may ask of others, or why there may be no such child."""
    parent, spec = standing.task, fleet.agents.get(standing.instance.agent)
    if hub.live.chains.sent(parent.id) >= MESSAGES_OF_A_TASK_MAX:
        most = f"a task may send {MESSAGES_OF_A_TASK_MAX} messages"
        return replace(_no(most, rule="messages"), lasting=False)
    if parent.delegated is not None and parent.delegated.depth >= DEPTH_MAX:
        return _no(f"tasks are delegated at most {DEPTH_MAX} deep", rule="depth")
    if hops_of(hub, parent) >= HOPS_MAX:
        return _no(f"at most {HOPS_MAX} messages may each cause the next", rule="hops")
    if len(children) >= CHILDREN_MAX:
        return _no(f"a task may delegate {CHILDREN_MAX} tasks", rule="fan-out")
    if sum(each.state not in FINAL for each in children) >= CHILDREN_LIVE_MAX:
        few = _no(f"at most {CHILDREN_LIVE_MAX} delegated tasks at once", rule="fan-out")
        return replace(few, hint="wait for one of them to end", lasting=False)
    mine = set(spec.capabilities) if spec else set()
    if parent.delegated is not None:
        mine &= set(parent.delegated.scope)
    beyond = sorted(set(payload.get("capabilities", ())) - mine)
    if beyond:
        return _no(
            f"{', '.join(beyond)} {'is' if len(beyond) == 1 else 'are'} beyond your own scope",
            rule="scope",
            hint=f"yours is {', '.join(sorted(mine)) or 'without capabilities'}",
        )
    return tuple(sorted(mine))


def _task(
    hub: Hub,
    fleet: Fleet,
    standing: Standing,
    payload: Message,
    scope: tuple[str, ...],
    budget: Budget,
) -> Task:
    parent, instance = standing.task, standing.instance
    depth = parent.delegated.depth + 1 if parent.delegated else 1
    return Task(
        id=hub.ids.new("task"),
        state=TaskState.HELD,
        sensitivity=fleet.levels.join((instance.label, parent.sensitivity)),
        declared=None,
        submitted_by=f"agent:{instance.agent}",
        submitted_at_s=hub.clock.wall_s(),
        capabilities=tuple(sorted(set(payload.get("capabilities", ())))),
        agent_wanted=payload.get("agent"),
        labels=tuple(sorted(payload.get("labels", {}).items())),
        priority=parent.priority,
        deadline_s=parent.deadline_s,
        timeout_s=min(float(payload.get("timeout_s", TIMEOUT_S_DEFAULT)), parent.timeout_s),
        parent=parent.id,
        hops=hops_of(hub, parent) + 1,
        budget=budget,
        delegated=Delegated(
            instance=instance.id,
            attempt=parent.attempt,
            label=instance.label,
            depth=depth,
            scope=scope,
            ephemeral=bool(payload.get("ephemeral", False)),
        ),
    )


def _budget(payload: Message) -> Budget:
    given = payload.get("budget", {})
    usd = given.get("usd")
    return Budget(
        usd=None if usd is None else float(usd),
        tokens=given.get("tokens"),
        turns=given.get("turns"),
    )


def _refused_by_rules(say: Say, task: Task, found: NoRoute) -> Rejection | None:
    """Refuse, rather than hold, when the rules let the delegator reach none that it asked for.

    One that isn't declared is asked about too: names can't be tried out. So too when OPA refuses
    all that could take it otherwise.
    """
    fleet = say.fleet
    by_opa = route_task.refused_by_opa(say, found)
    if by_opa is not None:
        question, no = by_opa
        return replace(_no(no.reason, rule=no.rule), question=question)
    names = [task.agent_wanted] if task.agent_wanted else sorted(fleet.agents)
    asked = [route_task.question(task, name) for name in names]
    said = [fleet.policy.decide(each) for each in asked]
    if any(each.allowed for each in said) and (
        task.agent_wanted is None or task.agent_wanted in fleet.agents
    ):
        return None
    if not asked:
        return _no("no agent is declared", rule="declared")
    refused = next((each for each in said if not each.allowed), None)
    if refused is None:
        return replace(
            _no(f"no agent {task.agent_wanted} is declared", rule="declared"), question=asked[0]
        )
    return replace(_no(refused.reason, rule=refused.rule), question=asked[0])


def _no(reason: str, *, rule: str, hint: str = "") -> Rejection:
    return Rejection(check=CheckName.SCOPE, reason=reason, rule=rule, hint=hint)


def _broken(pointer: str, what: str) -> Rejection:
    return Rejection(
        check=CheckName.SCHEMA,
        reason=f"{pointer} {what}",
        rule="wire",
        fields=((pointer, what),),
    )
