"""Whom an agent may write to or give work: those that access rules and labels both let it reach, no others."""

from collections.abc import Callable
from typing import Any

from agentctl.errors import Unauthenticated, Unavailable
from agentctl.messages import Fellow
from agentctl.messages.label import above_agent
from agentctl.messages.scope import VERB as SEND
from agentctl.model.decision import Question
from agentctl.model.instance import Instance
from agentctl.model.message import DEFAULT_KIND, MessageType
from agentctl.model.principal import AgentPrincipal
from agentctl.service.context import Fleet, Hub
from agentctl.store import instances, quarantined_agents

DELEGATE = "task.delegate"

May = Callable[[Hub, Fleet, Instance, Fellow], bool]


def colleagues(hub: Hub, who: AgentPrincipal) -> dict[str, Any]:
    """Return each agent that the asker may reach, what it can do, and by which acts it is reached."""
    fleet = hub.fleet
    if fleet is None:
        raise Unavailable("no fleet is applied yet", hint="run `agentctl apply` first")
    with hub.store.read() as txn:
        instance = instances.get(txn, who.instance)
        apart = quarantined_agents.names(txn)
    if instance is None or not instance.alive:
        raise Unauthenticated(f"instance {who.instance} has ended")
    rows = (
        _row(hub, fleet, instance, each)
        for each in fleet.fellows.values()
        if each.name not in apart
    )
    return {"agents": [row for row in rows if row["may"]]}


def _row(hub: Hub, fleet: Fleet, instance: Instance, fellow: Fellow) -> dict[str, Any]:
    barred = above_agent(fleet.levels, instance.label, fellow)
    may = (
        [] if barred else [act for act, asks in ACTS.items() if asks(hub, fleet, instance, fellow)]
    )
    spec = fleet.agents.get(instance.agent)
    topics = sorted(set(fellow.subscribes) & set(spec.publishes)) if spec else []
    return {
        "name": fellow.name,
        "capabilities": list(fellow.capabilities),
        "labels": dict(fellow.labels),
        "may": may,
        **({"topics": topics} if topics and may else {}),
    }


def _may_request(hub: Hub, fleet: Fleet, instance: Instance, fellow: Fellow) -> bool:
    asked = _question(hub, SEND, instance, fellow, type_=MessageType.REQUEST, kind=DEFAULT_KIND)
    return fleet.policy.decide(asked).allowed


def _may_delegate(hub: Hub, fleet: Fleet, instance: Instance, fellow: Fellow) -> bool:
    return fleet.policy.decide(_question(hub, DELEGATE, instance, fellow)).allowed


def _question(
    hub: Hub, verb: str, instance: Instance, fellow: Fellow, type_: str = "", kind: str = ""
) -> Question:
    return Question(
        verb=verb,
        principal=f"agent:{instance.agent}",
        target=f"agent:{fellow.name}",
        level=instance.label,
        type=type_,
        kind=kind,
        capabilities=fellow.capabilities,
        labels=fellow.labels,
        at_s=hub.clock.wall_s(),
    )


ACTS: dict[str, May] = {"request": _may_request, "delegate": _may_delegate}
