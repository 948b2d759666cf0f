"""May this model call be made, and is it still wanted: the gateway asks, the lease answers."""

from dataclasses import dataclass, replace
from typing import Any

from agentctl.errors import Conflict, Refused, Unauthenticated
from agentctl.model.budget import Budget, written
from agentctl.model.decision import Question
from agentctl.model.digest import plain
from agentctl.model.fleet import Provider
from agentctl.model.instance import Instance
from agentctl.model.mode import Verb
from agentctl.model.task import Task, Usage
from agentctl.monitor import permits
from agentctl.monitor.upstream import after_call
from agentctl.service import budgets, narrowing, put_off
from agentctl.service.attempt_token import holder_of
from agentctl.service.context import Hub
from agentctl.service.live import CALLS_MAX
from agentctl.service.narrowing import Say
from agentctl.service.poll import holds_lease
from agentctl.service.record import note
from agentctl.store import Txn, answers, instances
from agentctl.store import tasks as task_table

# Each leaves a line in the journal; a long task of a coding agent makes some hundreds.
TASK_CALLS_MAX = 20_000
PATHS = ("/v1/messages", "/v1/messages/count_tokens")


def open_call(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Return the upstream of a model call, or raise why it may not be made.

    Raises Unauthenticated (not a token of ours, or from another container), Conflict (the attempt
    is no longer current), Refused (another provider, model or path; a label above the boundary;
    the task's budget is spent), NoDecision (OPA gives no answer). Refusals are journaled, a bounded
    number of each container.
    """
    hub.require(Verb.MODEL_CALL)
    try:
        granted = narrowing.write(
            hub, lambda txn, say: _open(hub, txn, say, body), verb=Verb.MODEL_CALL
        )
    except (Refused, Unauthenticated, Conflict) as why:
        refused = why
    else:
        return granted
    _note_refused(hub, body, refused.detail)
    raise refused


def _note_refused(hub: Hub, body: dict[str, Any], why: str) -> None:
    who = body["container"] or "unknown container"
    unwritten = hub.live.refusals.take(who, now_s=hub.clock.boot_s())
    if unwritten is None:
        return
    facts = {"provider": body["provider"], "why": why, "unwritten": str(unwritten or "")}
    hub.store.write(lambda txn: note(hub, txn, "model.refused", who=who, **facts))


def _open(hub: Hub, txn: Txn, say: Say, body: dict[str, Any]) -> dict[str, Any]:
    task, instance = holder_of(hub, txn, body["token"], body["container"])
    provider = _provider(hub, say, task, instance, body)
    _within_bounds(txn, task, budgets.in_force(task, hub.fleet), provider)
    call = _call_id(hub, task, instance)
    note(
        hub,
        txn,
        "model.call",
        who=instance.id,
        subject=task.id,
        label=task.sensitivity,
        provider=provider.name,
        boundary=provider.boundary,
        model=provider.model,
        attempt=task.attempt,
        call=call,
    )
    if len(hub.live.calls) < CALLS_MAX:
        hub.live.calls.add(call)
    return {
        "call": call,
        "task": task.id,
        "attempt": task.attempt,
        "agent": instance.agent,
        "provider": plain(provider),
    }


def _provider(hub: Hub, say: Say, task: Task, instance: Instance, body: dict[str, Any]) -> Provider:
    """Return the provider fixed for this container; anything else that is asked for is refused."""
    fleet = say.fleet
    provider = fleet.generation.desired.provider(instance.provider)
    if provider is None:
        raise Refused(f"provider {instance.provider} is no longer declared", rule="provider")
    if body["provider"] != instance.provider:
        raise Refused(
            f"this container's provider is {instance.provider}, not {body['provider']}",
            rule="provider",
        )
    if body["path"] not in PATHS:
        raise Refused(f"path {body['path']} is not among {', '.join(PATHS)}", rule="path")
    if body["model"] != provider.model:
        raise Refused(f"the model is {provider.model}, not {body['model']}", rule="model")
    if provider.boundary != instance.boundary:
        raise Refused(
            f"{provider.name} is now at boundary {provider.boundary}, this container was born for "
            f"{instance.boundary}",
            rule="boundary",
        )
    label = fleet.levels.join((task.sensitivity, instance.label))
    if not fleet.levels.may_cross(label, provider.boundary):
        raise Refused(f"{label} may not cross boundary {provider.boundary}", rule="boundary")
    asked = Question(
        verb="model.call",
        principal=f"agent:{instance.agent}",
        target=f"provider:{provider.name}",
        level=label,
        labels=task.labels,
        capabilities=task.capabilities,
        at_s=hub.clock.wall_s(),
    )
    denied = say.takes_back(asked)
    if denied is not None:
        raise Refused(denied.reason, rule=denied.rule)
    return provider


def _within_bounds(txn: Txn, task: Task, budget: Budget, provider: Provider) -> None:
    """Refuse what is past the task's budget: agentd ends it there, but the container may be hostile.

    Dollars are counted here where the provider's price is declared; else the CLI alone can.
    """
    used, most = task.usage, budget.tokens
    if most is not None:
        most -= budgets.reserved_tokens(task_table.children(txn, task.id))
    if most is not None and used.calls and used.input_tokens + used.output_tokens >= most:
        raise Refused(f"the task's budget of {most} tokens is spent", rule="budget")
    if provider.price is not None and budget.usd is not None:
        left = budget.usd - budgets.reserved_usd(task_table.children(txn, task.id))
        if used.calls and (used.cost_usd or 0.0) >= left:
            raise Refused(f"the task's budget of {written(left)} usd is spent", rule="budget")
    if used.calls >= TASK_CALLS_MAX:
        raise Refused(f"the task has made {used.calls} model calls", rule="calls")


def current(hub: Hub, calls: list[str]) -> list[str]:
    """Return those of the open calls whose attempt is still the current one."""
    if not permits(hub.mode, "", Verb.MODEL_CALL):
        return []
    with hub.store.read() as txn:
        return [call for call in calls if _is_current(txn, call)]


def _is_current(txn: Txn, call: str) -> bool:
    opened = _opened(call)
    task = task_table.get(txn, opened.task) if opened else None
    return (
        opened is not None
        and task is not None
        and holds_lease(task, opened.instance, opened.attempt)
    )


def usage(hub: Hub, call: str, body: dict[str, Any]) -> dict[str, Any]:
    """Add what a call used to its task, ended or not: it was spent. Reporting a call twice counts once."""
    hub.live.calls.discard(call)
    opened = _opened(call)
    if opened is None:
        return {}

    def work(txn: Txn) -> None:
        task = task_table.get(txn, opened.task)
        if task is None or answers.first(txn, opened.task, call) is not None:
            return
        task_table.put(txn, _with(task, body, _provider_of(hub, txn, opened)))
        answers.remember(txn, opened.task, call, "", {})

    word, why = str(body.get("status", "")), str(body.get("why", ""))
    put_off.heard(hub, (opened.task, opened.attempt), word, why)
    _reached(hub, opened.instance, word, why)
    hub.store.write(work)
    return {}


def _reached(hub: Hub, instance_id: str, word: str, why: str) -> None:
    """Take note of whether the provider was reached, for the check that watches it."""
    with hub.store.read() as txn:
        instance = instances.get(txn, instance_id)
    if instance is None or not word:
        return
    with hub.live.lock:
        before = hub.live.upstreams.pop(instance.provider, None)
        after = after_call(before, word, now_s=hub.clock.wall_s(), why=why)
        if after is not None:
            hub.live.upstreams[instance.provider] = after


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """The lease that a model call lives by."""

    task: str
    attempt: int
    instance: str


def _call_id(hub: Hub, task: Task, instance: Instance) -> str:
    """Return an id that says which lease the call lives by, so that a restarted hub knows it too.

    It goes to the gateway alone, which is trusted; an agent never sees it.
    """
    return f"{hub.ids.new('call')}.{task.id}.{task.attempt}.{instance.id}"


def _opened(call: str) -> _Opened | None:
    parts = call.split(".")
    if len(parts) != 4 or not parts[2].isdecimal():
        return None
    return _Opened(task=parts[1], attempt=int(parts[2]), instance=parts[3])


def _provider_of(hub: Hub, txn: Txn, opened: _Opened) -> Provider | None:
    instance = instances.get(txn, opened.instance)
    if instance is None or hub.fleet is None:
        return None
    return hub.fleet.generation.desired.provider(instance.provider)


def _with(task: Task, body: dict[str, Any], provider: Provider | None) -> Task:
    before = task.usage if task.usage.calls else Usage(cost_usd=task.usage.cost_usd)
    fields = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    cost = budgets.cost_usd(Usage(**{each: body.get(each, 0) for each in fields}), provider)
    after = Usage(
        input_tokens=before.input_tokens + body.get("input_tokens", 0),
        output_tokens=before.output_tokens + body.get("output_tokens", 0),
        cache_read_tokens=before.cache_read_tokens + body.get("cache_read_tokens", 0),
        cache_write_tokens=before.cache_write_tokens + body.get("cache_write_tokens", 0),
        calls=before.calls + 1,
        cost_usd=before.cost_usd if cost is None else (before.cost_usd or 0.0) + cost,
    )
    return replace(task, usage=after)
