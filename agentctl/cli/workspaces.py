"""Workspaces in a plan: the places that must wait, since theirs hold what is declared there may not."""

from collections.abc import Iterator, Mapping
from typing import Any

from agentctl.model.fleet import DesiredState, Lifecycle
from agentctl.reconcile.slots import Slot
from agentctl.routing import Levels
from agentctl.routing.workspace import HINT, against

Served = Mapping[Slot, tuple[str, ...]]  # the labels of the containers that wrote to each


def served(latest: Mapping[str, Any]) -> Served:
    """Return what the hub's newest generation says of workspaces."""
    return {
        Slot(host=each["host"], agent=each["agent"], replica=each["replica"]): tuple(each["labels"])
        for each in latest.get("workspaces", ())
    }


def kept_back(desired: DesiredState, workspaces: Served) -> Iterator[str]:
    """Yield a note for each declared place that may not have its workspace."""
    levels = Levels.of(desired.routing)
    specs = {(each.name, each.host): each for each in desired.agents}
    for slot, labels in workspaces.items():
        spec = specs.get((slot.agent, slot.host))
        provider = desired.provider(spec.provider) if spec else None
        if spec is None or provider is None or spec.lifecycle is Lifecycle.EPHEMERAL:
            continue
        why = against(levels, labels, spec.clearance, provider.boundary)
        if why and slot.replica < spec.replicas:
            yield f"{slot}: waits: {why}; {HINT}"
