"""The registry as operators read it: what is declared of each agent, and how its containers stand.

It is the generation and the instances' records, which the reconciler's looks keep true: after
a restart it is there again without anybody's doing.
"""

from typing import Any

from agentctl.errors import NotFound
from agentctl.model.digest import plain
from agentctl.model.fleet import AgentSpec
from agentctl.model.instance import Instance, InstanceState
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import LIVE, Task
from agentctl.service import ephemeral, outdated, usable, workspaces
from agentctl.service.context import Fleet, Hub
from agentctl.service.roles import PLANNERS, READERS, require_role
from agentctl.service.task_row import task_facts
from agentctl.store import Txn, instances, quarantined_agents
from agentctl.store import tasks as task_table
from agentctl.store import workspaces as workspace_table

TASKS_SHOWN_MAX = 10  # of one agent, newest first; `agentctl tasks --agent NAME` lists all


def agents(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return each declared agent on each host with its living containers."""
    require_role(who, PLANNERS, "read agents")
    fleet = hub.fleet
    if fleet is None:
        return {"agents": [], "unusable": {}, "away": {}, "births": []}
    with hub.store.read() as txn:
        wanted = ephemeral.wanted(hub, txn)
        living = list(instances.alive(txn))
        rows = [
            _agent_row(hub, txn, fleet, spec, living, wanted)
            for spec in fleet.generation.desired.agents
        ]
        born = outdated.births(hub, txn, living)
    unusable, away = dict(usable.of_declared(hub)), usable.away_of_declared(hub)
    return {"agents": rows, "unusable": unusable, "away": away, "births": born}


def agent(hub: Hub, name: str, who: OperatorPrincipal) -> dict[str, Any]:
    """Return one agent: its declaration on each host, its containers, its current and last tasks.

    Containers that are gone are shown as far as one of those tasks ran there. Raises NotFound.
    """
    require_role(who, READERS, "read an agent's tasks")
    fleet = hub.fleet
    specs = [each for each in fleet.generation.desired.agents if each.name == name] if fleet else []
    if fleet is None or not specs:
        raise NotFound(f"no agent {name!r} is declared", hint="`agentctl agents` lists them")
    with hub.store.read() as txn:
        wanted = ephemeral.wanted(hub, txn)
        living = list(instances.by_agent(txn, name))
        current = [task for each in living for task in task_table.live_of(txn, each.id)]
        page, _ = task_table.page(txn, agent=name, limit=TASKS_SHOWN_MAX + len(current))
        last = [each for each in page if each.state not in LIVE][:TASKS_SHOWN_MAX]
        return {
            "name": name,
            "workspaces": [workspaces.row(fleet, each) for each in workspace_table.of(txn, name)],
            "declared": [
                _agent_row(hub, txn, fleet, spec, living, wanted) | _declared(spec)
                for spec in specs
            ],
            "gone": [_instance_row(hub, txn, each) for each in _gone(txn, last, living)],
            "current": [task_facts(each, who) for each in current],
            "last": [task_facts(each, who) for each in last],
        }


def _declared(spec: AgentSpec) -> dict[str, Any]:
    """The rest of what the files say; a secret by its name alone."""
    return {
        "resources": plain(spec.resources),
        "workspace_bytes": spec.workspace.size_bytes,
        "on_change": spec.on_change.value,
        "ttl_s": spec.ttl_s,
        "grace_s": spec.grace_s,
        "secrets": [each.name for each in spec.secrets],
        "tags": list(spec.tags),
    }


def _gone(txn: Txn, tasks: list[Task], living: list[Instance]) -> list[Instance]:
    here = {each.id for each in living}
    ids = dict.fromkeys(each.instance for each in tasks if each.instance)
    found = (instances.get(txn, each) for each in ids if each not in here)
    return [each for each in found if each is not None]


def _agent_row(
    hub: Hub,
    txn: Txn,
    fleet: Fleet,
    spec: AgentSpec,
    living: list[Instance],
    wanted: list[Task],
) -> dict[str, Any]:
    provider = fleet.generation.desired.provider(spec.provider)
    apart = quarantined_agents.get(txn, spec.name)
    mine = [each for each in living if (each.agent, each.host) == (spec.name, spec.host)]
    return {
        "name": spec.name,
        "host": spec.host,
        "provider": spec.provider,
        "boundary": provider.boundary if provider else "",
        "clearance": spec.clearance,
        "capabilities": list(spec.capabilities),
        "image": spec.image,
        "executor": spec.executor.kind.value,
        "lifecycle": spec.lifecycle.value,
        "replicas": spec.replicas,
        "warm": spec.warm,
        "running": sum(1 for each in mine if each.state is InstanceState.RUNNING),
        "queued": task_table.waiting_for(txn, spec.name),
        "wanted": [each.id for each in wanted if each.agent == spec.name],
        "instances": [_instance_row(hub, txn, each) for each in mine],
        "quarantined": plain(apart) if apart else None,
    }


def _instance_row(hub: Hub, txn: Txn, instance: Instance) -> dict[str, Any]:
    held = task_table.live_of(txn, instance.id)
    return {
        "id": instance.id,
        "host": instance.host,
        "state": instance.state.value,
        "states": {state.value: at_s for state, at_s in instance.times},
        "draining": instance.draining,
        "container": instance.container,
        "replica": instance.replica,
        "provider": instance.provider,
        "boundary": instance.boundary,
        "label": instance.label,
        "made_for": instance.made_for or None,
        "served": instance.served or None,
        "warm": instance.free,
        "reason": instance.reason or None,
        "created_at_s": instance.created_at_s,
        "last_seen_s": hub.live.instance_seen_s.get(instance.id),
        "task": held[0].id if held else None,
        "waiting": outdated.waiting_for(hub, txn, instance),
    }
