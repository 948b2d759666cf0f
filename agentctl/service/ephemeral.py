"""Ephemeral agents at the hub: which tasks want a container, what each container may take, when it is spent.

All of it is worked out anew from the tasks and the registry at each look, so no event can be
missed; what must not race is asked again in the write transaction that reserves or leases.
Source: docs/decisions/0011-ephemeral-agents.md.
"""

from collections.abc import Iterator
from itertools import islice

from agentctl.errors import Conflict
from agentctl.model.fleet import AgentSpec, Lifecycle
from agentctl.model.instance import Instance
from agentctl.model.mode import Verb
from agentctl.model.task import Task, TaskState
from agentctl.monitor import permits
from agentctl.service.context import Fleet, Hub
from agentctl.service.fitting import against_container, is_decided
from agentctl.store import Txn, instances, quarantined_agents
from agentctl.store import tasks as task_table

SILENT_S = 60.0  # three polls of agentd: who is silent for so long isn't counted on
LOOKED_AT_MAX = 1000  # queued tasks of one agent looked at in one pass; the next pass sees the rest


def is_ephemeral(spec: AgentSpec) -> bool:
    """Whether its containers serve one task each."""
    return spec.lifecycle is Lifecycle.EPHEMERAL


def wanted(hub: Hub, txn: Txn) -> list[Task]:
    """Return the queued tasks that want a container of their own, by agent in the order of hand-out.

    Of an agent there are at most as many as it may have containers. A task that has a living
    container already isn't among them, nor are those that ready warm containers will take.
    """
    fleet = hub.fleet
    if fleet is None or not permits(hub.mode, "", Verb.DISPATCH):
        return []
    found: list[Task] = []
    apart = quarantined_agents.names(txn)
    for name, spec in sorted(fleet.agents.items()):
        if is_ephemeral(spec) and name not in apart:
            living = list(instances.by_agent(txn, name))
            ready = sum(1 for each in living if each.free and not silent(hub, each))
            limit = ready + limit_of(fleet, name)
            found += list(islice(_unserved(txn, name, living), limit))[ready:]
    return found


def limit_of(fleet: Fleet, agent: str) -> int:
    """Return how many containers of an agent may live at once, on all its hosts together."""
    return sum(each.replicas for each in fleet.generation.desired.agents if each.name == agent)


def _unserved(txn: Txn, agent: str, living: list[Instance]) -> Iterator[Task]:
    served = tied(living)
    for task_id in islice(task_table.queued(txn, agent), LOOKED_AT_MAX):
        task = task_table.get(txn, task_id)
        if task is not None and task_id not in served:
            yield task


def tied(living: list[Instance]) -> dict[str, str]:
    """Return the instance of each task that a living container was made for or was given.

    A container that lost its lease still counts until it is gone: at most one lives per task.
    """
    return {
        task: each.id
        for each in living
        if each.ephemeral
        for task in (each.made_for, each.served)
        if task
    }


def next_for(txn: Txn, fleet: Fleet, instance: Instance) -> Task | None:
    """Return the task that an ephemeral container is given now, None when there is none for it.

    One made for a task gets that task only; a warm one the first that fits and that no other
    living container is tied to. Either gets one, ever.
    """
    if instance.served:
        return None
    if instance.made_for:
        task = task_table.get(txn, instance.made_for)
        return task if task is not None and _is_for(fleet, task, instance) else None
    others = list(instances.by_agent(txn, instance.agent))
    waiting = _unserved(txn, instance.agent, others)
    return next((each for each in waiting if _is_for(fleet, each, instance)), None)


def _is_for(fleet: Fleet, task: Task, instance: Instance) -> bool:
    return is_decided(fleet, task) and not _against(fleet, task, instance)


def spent(hub: Hub, txn: Txn, instance: Instance, *, works: bool) -> str:
    """Return why an ephemeral container serves no task any more, "" while it may."""
    if not instance.ephemeral or works:
        return ""
    if instance.served:
        done = task_table.get(txn, instance.served)
        ended = done is not None and done.instance == instance.id
        return f"{instance.served}: {done.state}" if done and ended else "its lease is lost"
    fleet = hub.fleet
    if fleet is None:
        return ""
    if instance.agent not in fleet.agents:
        return f"{instance.agent} is no longer declared"
    if instance.made_for:
        task = task_table.get(txn, instance.made_for)
        why = "is gone" if task is None else _against(fleet, task, instance)
        if why:
            return f"{instance.made_for}: {why}"
    return f"not heard of for {SILENT_S:.0f} s" if silent(hub, instance) else ""


def silent(hub: Hub, instance: Instance) -> bool:
    """Whether nothing was heard of it for a while; a hub that just began listening waits that long."""
    heard_s = hub.live.instance_seen_s.get(instance.id, 0.0)
    since_s = max(heard_s, instance.created_at_s, hub.live.listening_since_s)
    return hub.clock.wall_s() - since_s > SILENT_S


def _against(fleet: Fleet, task: Task, instance: Instance) -> str:
    if task.state is not TaskState.QUEUED:
        return f"it is {task.state}"
    if task.routed is None or task.routed.agent != instance.agent:
        return "it is routed to another agent"
    return against_container(fleet, task, instance)


def check_reservation(txn: Txn, fleet: Fleet, spec: AgentSpec, instance: Instance) -> None:
    """Raise Conflict unless this container of an ephemeral agent may be made now.

    The limit on its host holds; a task gets one that may take it, and has no other; a warm one
    is still missing.
    """
    living = list(instances.by_agent(txn, spec.name))
    here = [each for each in living if each.host == spec.host]
    if len(here) >= spec.replicas:
        raise Conflict(
            f"{spec.replicas} of {spec.name} live on {spec.host}, which is its limit",
            hint="one is made when one of them is gone",
        )
    if not instance.made_for:
        if sum(1 for each in here if each.free) >= spec.warm:
            raise Conflict(f"{spec.warm} of {spec.name} are warm already on {spec.host}")
        return
    task = task_table.get(txn, instance.made_for)
    why = "there is no such task" if task is None else _against(fleet, task, instance)
    if task is not None and not fleet.levels.at_most(task.sensitivity, spec.clearance):
        why = f"{spec.name} is cleared for {spec.clearance}, the task is {task.sensitivity}"
    other = tied(living).get(instance.made_for)
    if other:
        why = f"{other} lives for it"
    if why:
        raise Conflict(
            f"no container is made for {instance.made_for}: {why}", hint="the next pass looks again"
        )
