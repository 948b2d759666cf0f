"""Agents in quarantine in a plan: what runs is stopped, what stands is left as evidence, nothing is made.

Source: docs/decisions/0026-quarantine.md.
"""

from collections.abc import Mapping

from agentctl.model.instance import Container, ContainerState, ObservedHost
from agentctl.model.plan import Stop
from agentctl.reconcile.births import Born
from agentctl.reconcile.ephemeral import is_ephemeral
from agentctl.reconcile.sketch import QUARANTINED, Circumstances, Sketch
from agentctl.reconcile.slots import Slot, slot_of


def plan_quarantined(
    host: ObservedHost, agents: Mapping[str, Born], known: Circumstances, sketch: Sketch
) -> None:
    """Plan a host's containers of agents in quarantine, declared (`agents`) or not, and say what isn't made."""
    found = [
        each
        for each in host.containers
        if each.installation == known.installation and each.agent in known.quarantined
    ]
    for container in found:
        _contain(container, sketch)
    there = {slot_of(each) for each in found}
    for name, born in agents.items():
        if name not in known.quarantined:
            continue
        if is_ephemeral(born):
            sketch.notes.append(f"{host.name} {name}: quarantined: no container of it is made")
            continue
        slots = (
            Slot(host=host.name, agent=name, replica=replica)
            for replica in range(born.spec.replicas)
        )
        sketch.notes += [f"{each}: quarantined: not created" for each in slots if each not in there]


def _contain(container: Container, sketch: Sketch) -> None:
    if container.state is not ContainerState.RUNNING:
        sketch.unchanged += 1
        sketch.notes.append(f"{slot_of(container)}: quarantined: kept as it was stopped")
        return
    sketch.actions.append(
        Stop(
            host=container.host,
            agent=container.agent,
            replica=container.replica,
            instance=container.instance,
            container=container.id,
            causes=(QUARANTINED,),
        )
    )
