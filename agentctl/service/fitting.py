"""May this container have this task: asked at every hand-out, against what was fixed at its birth."""

from agentctl.model.instance import Instance
from agentctl.model.task import Task
from agentctl.routing import Candidate
from agentctl.routing.choose import against
from agentctl.service import route_task
from agentctl.service.context import Fleet


def is_decided(fleet: Fleet, task: Task) -> bool:
    """Whether a queued task was routed with OPA's word under the generation in force, where OPA is asked."""
    now = task.routed
    return not fleet.opa.enabled or (now is not None and now.generation == fleet.generation.number)


def against_container(fleet: Fleet, task: Task, instance: Instance) -> str:
    """Return why this container may not have the task, "" when it may.

    What is fixed at the container's birth decides (label, provider, boundary), not what the
    newest files say of its agent; policy is asked as it stands now.
    """
    spec = fleet.agents[instance.agent]
    if task.routed is None or task.routed.provider != instance.provider:
        return "routed to another provider"
    owed = task.delegated
    if owed is not None and not fleet.levels.at_most(instance.label, owed.label):
        return f"its results would be {instance.label}, the delegator's container is {owed.label}"
    if owed is not None and owed.ephemeral and not instance.ephemeral:
        return "a fresh container is asked for"
    said = fleet.policy.decide(route_task.question(task, instance.agent))
    provider = fleet.generation.desired.provider(instance.provider)
    if provider is None or provider.boundary != instance.boundary:
        return "the provider's boundary has changed"
    born = Candidate(
        name=instance.agent,
        provider=instance.provider,
        boundary=instance.boundary,
        clearance=instance.label,
        capabilities=frozenset(spec.capabilities),
        barred="" if said.allowed else said.reason,
    )
    return against(route_task.wanted(task), born, fleet.levels)
