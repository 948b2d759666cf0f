"""What an agent may say anything by: the attempt that its container holds now, within its rate."""

from dataclasses import dataclass

from agentctl.errors import Throttled
from agentctl.messages import Rejection
from agentctl.model.instance import Instance
from agentctl.model.message import RATE_PER_S, CheckName
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import Task
from agentctl.service.context import Hub
from agentctl.service.poll import holds_lease
from agentctl.store import Txn, instances
from agentctl.store import tasks as task_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The attempt that a message comes from, and the container that holds it."""

    instance: Instance
    task: Task


def require_rate(hub: Hub, who: AgentPrincipal) -> None:
    """Raise Throttled when an agent, all its containers together, is over its rate.

    Asked before anything that costs: what is over it isn't looked at.
    """
    wait_s = hub.live.talk.wait_s(who.agent, hub.clock.boot_s())
    if wait_s:
        raise Throttled(
            f"{who.agent} sends more than {RATE_PER_S:g} messages a second", retry_after_s=wait_s
        ).of_check(CheckName.MAILBOX)


def standing_of(txn: Txn, who: AgentPrincipal, task_id: str, attempt: int) -> Standing | None:
    """Return where a message comes from, None unless its instance holds that attempt now."""
    task, instance = task_table.get(txn, task_id), instances.get(txn, who.instance)
    if task is None or instance is None or not instance.alive:
        return None
    if not holds_lease(task, who.instance, attempt):
        return None
    return Standing(instance=instance, task=task)


def stale(task_id: str, attempt: int) -> Rejection:
    """Return the refusal of what isn't sent under a current lease: the same for another's task and for none."""
    return Rejection(
        check=CheckName.IDENTITY,
        reason=f"attempt {attempt} of {task_id} is not held by this container",
        hint="stop working on it; poll again",
        lasting=False,
    )


def hops_of(hub: Hub, task: Task) -> int:
    """Return how far the messages have come that led to what an attempt says now."""
    return max(task.hops, hub.live.chains.hops((task.id, task.attempt)))
