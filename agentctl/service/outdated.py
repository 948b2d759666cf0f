"""Containers that aren't what is declared any more: what they were born with, and what waits for them.

Both are for a plan: it names what changed, and leaves a deferred change until nothing waits.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from agentctl.model.digest import plain, spec_hash
from agentctl.model.fleet import AgentSpec, DesiredState, Provider
from agentctl.model.instance import Instance
from agentctl.service.context import Fleet, Hub
from agentctl.service.fitting import against_container
from agentctl.service.poll import LOOKED_AT_MAX
from agentctl.store import Txn
from agentctl.store import generations as generation_table
from agentctl.store import tasks as task_table

BIRTHS_MAX = (
    1000  # told at once, 2 KiB each: more containers than that aren't outdated in more ways
)

Born = tuple[AgentSpec, Provider]


def births(hub: Hub, txn: Txn, living: Iterable[Instance]) -> list[dict[str, Any]]:
    """Return spec and provider of each birth that living containers have and nobody declares now.

    One whose generation can't be found has none.
    """
    fleet = hub.fleet
    if fleet is None:
        return []
    specs = {each.spec: each for each in living if _outdated(fleet, each)}
    known = hub.live.births
    for spec, instance in specs.items():
        if spec not in known:
            generation = generation_table.get(txn, instance.generation)
            known[spec] = _born(generation.desired, instance) if generation else None
    hub.live.births = {spec: known[spec] for spec in specs}
    found = [each for each in hub.live.births.values() if each is not None]
    return [
        {"spec": plain(spec), "provider": plain(provider)} for spec, provider in found[:BIRTHS_MAX]
    ]


def waiting_for(hub: Hub, txn: Txn, instance: Instance) -> str | None:
    """Return the first queued task that an outdated container may be given, None where there is none.

    Asked of no other: only a change that waits for it needs to know. What it may not have, say for
    a label above its own, waits for the container that replaces it.
    """
    fleet = hub.fleet
    if fleet is None or instance.draining or not _outdated(fleet, instance):
        return None
    for task_id in islice(task_table.queued(txn, instance.agent), LOOKED_AT_MAX):
        task = task_table.get(txn, task_id)
        if task is not None and not against_container(fleet, task, instance):
            return task_id
    return None


def _outdated(fleet: Fleet, instance: Instance) -> bool:
    declared = fleet.specs.get((instance.agent, instance.host))
    return declared is not None and declared != instance.spec


def _born(desired: DesiredState, instance: Instance) -> Born | None:
    for spec in desired.agents:
        provider = desired.provider(spec.provider)
        if (spec.name, spec.host) == (instance.agent, instance.host) and provider is not None:
            return (spec, provider) if spec_hash(spec, provider) == instance.spec else None
    return None
