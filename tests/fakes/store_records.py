"""Records as tests write them: only what a test is about is spelled out."""

from dataclasses import replace
from typing import Any

from agentctl.model.fleet import DesiredState, Generation, Routing
from agentctl.model.instance import Instance, InstanceState
from agentctl.model.journal import Entry
from agentctl.model.task import Lease, Routed, Task, TaskBody, TaskState

BODY = TaskBody(prompt="count the files")


def routed_to(agent: str) -> Routed:
    return Routed(
        agent=agent, provider="p", boundary="private", rule="r", decision="dec-1", generation=1
    )


def lease_of(instance: str, agent: str = "researcher") -> Lease:
    return Lease(
        attempt=1, instance=instance, agent=agent, container="c", boot_id="b", expires_at_s=30.0
    )


def task(task_id: str, agent: str = "researcher", **changed: Any) -> Task:
    """Return a queued task of `agent`, with the given fields changed."""
    base = Task(
        id=task_id,
        state=TaskState.QUEUED,
        sensitivity="internal",
        declared=None,
        submitted_by="operator:uid:1000",
        submitted_at_s=1_800_000_000.0,
        routed=routed_to(agent),
    )
    return replace(base, **changed)


def instance(instance_id: str, agent: str = "researcher", **changed: Any) -> Instance:
    base = Instance(
        id=instance_id,
        agent=agent,
        host="local",
        replica=0,
        spec="s",
        provider="p",
        boundary="private",
        label="internal",
        generation=1,
        state=InstanceState.RUNNING,
        created_at_s=1_800_000_000.0,
    )
    return replace(base, **changed)


def generation(number: int, fleet: str = "acme") -> Generation:
    routing = Routing(levels=("public", "internal"), default="internal", boundaries=())
    desired = DesiredState(fleet=fleet, hosts=(), agents=(), providers=(), routing=routing)
    return Generation(number=number, digest=f"digest-{number}", desired=desired, applied_by="me")


def entry(kind: str = "task.submitted", **changed: Any) -> Entry:
    return replace(Entry(kind=kind, who="operator:uid:1000", subject="task-1"), **changed)
