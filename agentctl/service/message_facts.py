"""What a message is judged by: its sender as the store has it, and the fleet in force."""

from agentctl.errors import Unavailable
from agentctl.messages import Box, Facts, Sender
from agentctl.model.instance import InstanceState
from agentctl.model.message import Asked
from agentctl.service.context import Fleet, Hub
from agentctl.service.narrowing import Say
from agentctl.service.standing import Standing, hops_of
from agentctl.store import instances, quarantined_agents


def sender_of(hub: Hub, standing: Standing) -> Sender:
    """Return who sends, by the container and the attempt that it holds."""
    instance, task = standing.instance, standing.task
    spec = applied(hub).agents.get(instance.agent)
    return Sender(
        agent=instance.agent,
        instance=instance.id,
        label=instance.label,
        publishes=spec.publishes if spec else (),
        hops=hops_of(hub, task),
        sent=hub.live.chains.sent(task.id),
    )


def facts_of(hub: Hub, say: Say, asked: Asked | None) -> Facts:
    """Return the fleet as the checks look at it; `asked` is the request that a reply answers."""
    fleet = say.fleet
    known: dict[str, tuple[Box, ...]] = {}

    def boxes(agent: str) -> tuple[Box, ...]:
        if agent not in known:
            known[agent] = _boxes(hub, agent)
        return known[agent]

    with hub.store.read() as txn:
        apart = quarantined_agents.names(txn)
    return Facts(
        fellows=fleet.fellows,
        boxes=boxes,
        kinds=fleet.kinds,
        levels=fleet.levels,
        decide=say.decide,
        asked=asked,
        at_s=hub.clock.wall_s(),
        apart=apart,
    )


def _boxes(hub: Hub, agent: str) -> tuple[Box, ...]:
    """Return the boxes of an agent's containers, but for those that are being stopped."""
    with hub.store.read() as txn:
        return tuple(
            Box(instance=each.id, label=each.label, boundary=each.boundary)
            for each in instances.by_agent(txn, agent)
            if each.state is not InstanceState.RECYCLING
        )


def applied(hub: Hub) -> Fleet:
    """Return the fleet in force; raises Unavailable before the first apply."""
    if hub.fleet is None:
        raise Unavailable("no fleet is applied yet", hint="run `agentctl apply` first")
    return hub.fleet
