"""An agent's poll: level-triggered, so that one mechanism settles cancels, lost leases and restarts.

The agent says what it holds and how many slots are free; the answer is what isn't so: cancel or
lost for what is no longer its own, the same assignment again for what is leased to it but not
held, new assignments for free slots, and messages of other agents for as many as it takes.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from agentctl import failpoints
from agentctl.errors import Unauthenticated
from agentctl.model.instance import SLOTS, Instance
from agentctl.model.mode import Verb
from agentctl.model.principal import AgentPrincipal
from agentctl.model.task import LIVE, Task, TaskState
from agentctl.monitor import permits
from agentctl.service import budgets, ephemeral, mail, waits
from agentctl.service.context import Fleet, Hub
from agentctl.service.fitting import against_container, is_decided
from agentctl.service.live import wait_until
from agentctl.service.mail_room import Place
from agentctl.service.record import note_task
from agentctl.store import Txn, instances, quarantined_agents
from agentctl.store import tasks as task_table
from agentctl.tasks import lease

LOOKED_AT_MAX = (
    64  # queued tasks looked at for one slot; those an old container may not take are skipped
)

Held = tuple[str, int]


def poll(
    hub: Hub,
    who: AgentPrincipal,
    *,
    slots: int,
    holds: Sequence[Held],
    wait_s: float,
    gone: Callable[[], bool],
    take: int = 0,
    seen: str = "",
) -> list[dict[str, Any]]:
    """Return messages for an instance, waiting up to `wait_s` seconds for the first.

    Of other agents' messages it takes up to `take`, and has handled all up to `seen`.
    """
    hub.live.instance_seen_s[who.instance] = hub.clock.wall_s()
    if seen:
        hub.live.mail.acknowledge(Place(who.agent, who.instance), seen)
    # without a free slot nothing that comes for the agent concerns this poll
    keys = (f"instance:{who.instance}",) + ((f"agent:{who.agent}",) if slots else ())
    keys += (f"mail:{who.agent}",) if take else ()
    found: list[dict[str, Any]] = wait_until(
        hub.live.waiters,
        keys,
        lambda: _look(hub, who, slots, tuple(holds), take),
        wait_s=wait_s,
        now_s=hub.clock.boot_s,
        gone=gone,
    )
    return found


def _look(
    hub: Hub, who: AgentPrincipal, slots: int, holds: tuple[Held, ...], take: int
) -> list[dict[str, Any]]:
    with hub.store.read() as txn:
        instance = _living(txn, who)
        messages = [
            *(_not_yours(txn, who, task_id, attempt) for task_id, attempt in holds),
            *_again(hub, txn, instance, holds),
        ]
        found = [each for each in messages if each is not None]
        free = slots - sum(1 for each in found if each["type"] == "task.assigned")
        waiting = free > 0 and _may_take(hub, txn, instance) is not None
        held = task_table.live_of(txn, instance.id) if take else ()
        apart = quarantined_agents.names(txn) if held else frozenset()
    if waiting:
        found += _assign(hub, who, slots, holds)
    if take:
        found += mail.handed_out(hub, instance, held, take, apart)
    return found


def _living(txn: Txn, who: AgentPrincipal) -> Instance:
    instance = instances.get(txn, who.instance)
    if instance is None or not instance.alive:
        raise Unauthenticated(f"instance {who.instance} has ended")
    return instance


def _not_yours(txn: Txn, who: AgentPrincipal, task_id: str, attempt: int) -> dict[str, Any] | None:
    """Return the word that a held task isn't this instance's (any more), None when it is.

    The same word answers for a task of somebody else and for one that never was.
    """
    task = task_table.get(txn, task_id)
    if task is not None and holds_lease(task, who.instance, attempt):
        return None
    mine = task is not None and task.instance == who.instance
    cancelled = task is not None and mine and task.state is TaskState.CANCELLED
    kind = "task.cancel" if cancelled else "task.lost"
    reason = task.error if task is not None and cancelled else "the lease is not yours"
    return {
        "id": f"msg-{task_id}-{attempt}-{kind[5:]}",
        "type": kind,
        "task": task_id,
        "attempt": attempt,
        "payload": {"reason": reason or "cancelled"},
    }


def holds_lease(task: Task, instance: str, attempt: int) -> bool:
    """Whether this instance holds the task's current lease with this attempt."""
    held = task.lease
    return held is not None and held.instance == instance and held.attempt == attempt


def _again(hub: Hub, txn: Txn, instance: Instance, holds: tuple[Held, ...]) -> list[dict[str, Any]]:
    """Return what is leased to the container but not held; what it may have no more runs out."""
    fleet = hub.fleet
    if fleet is None or instance.agent not in fleet.agents:
        return []
    return [
        _assigned(hub, txn, task)
        for task in task_table.live_of(txn, instance.id)
        if (task.id, task.attempt) not in holds and not against_container(fleet, task, instance)
    ]


def _may_take(hub: Hub, txn: Txn, instance: Instance) -> Task | None:
    """Return the first queued task that this container may be given now, None when there is none."""
    fleet = hub.fleet
    if fleet is None or instance.draining or not permits(hub.mode, instance.host, Verb.DISPATCH):
        return None
    if instance.agent not in fleet.agents:
        return None  # no longer declared: it gets no work
    if waits.shut(hub.live, provider=instance.provider, agent=instance.agent):
        return None
    if instance.ephemeral is not ephemeral.is_ephemeral(fleet.agents[instance.agent]):
        return None  # its agent's work wants containers of the other kind now
    if instance.ephemeral:
        return ephemeral.next_for(txn, fleet, instance)
    for at, task_id in enumerate(task_table.queued(txn, instance.agent)):
        if at >= LOOKED_AT_MAX:
            return None
        task = task_table.get(txn, task_id)
        if task is None or not is_decided(fleet, task):
            continue
        if not against_container(fleet, task, instance):
            return task
    return None


def _assign(
    hub: Hub, who: AgentPrincipal, slots: int, holds: tuple[Held, ...]
) -> list[dict[str, Any]]:
    """Lease tasks for the slots that are free in one transaction that reads all the decision hangs on."""

    failpoints.hit("service.lease.before")
    given = hub.store.write(lambda txn: assign(hub, txn, who, slots, holds))
    failpoints.hit("service.lease.after")
    hub.live.waiters.wake(*(f"task:{each['task']}" for each in given))
    return given


def assign(
    hub: Hub, txn: Txn, who: AgentPrincipal, slots: int, holds: Sequence[Held]
) -> list[dict[str, Any]]:
    """Lease tasks for free slots in a transaction that reads all the decision hangs on.

    Never more than a container has: a hostile one would take its agent's whole queue, and keep it.
    """
    given: list[dict[str, Any]] = []
    instance = _living(txn, who)
    held = task_table.live_of(txn, who.instance)
    # what another poll of this instance was given meanwhile takes a slot too
    unheld = sum((task.id, task.attempt) not in holds for task in held)
    for _ in range(min(slots - unheld, SLOTS - len(held))):
        task = _may_take(hub, txn, instance)
        if task is None:
            break
        assert hub.fleet is not None
        task = lease(
            task,
            instance=instance.id,
            agent=instance.agent,
            container=instance.container,
            boot_id=hub.clock.boot_id,
            boot_s=hub.clock.boot_s(),
            lease_s=hub.fleet.lease_s,
        )
        task_table.put(txn, task)
        if instance.ephemeral:
            instance = replace(instance, served=task.id)
            instances.put(txn, instance)
        note_task(hub, txn, task, "leased", who="hub")
        given.append(_assigned(hub, txn, task))
    return given


def _assigned(hub: Hub, txn: Txn, task: Task) -> dict[str, Any]:
    assert task.state in LIVE
    assert task.lease is not None
    assert hub.fleet is not None
    body = task_table.body(txn, task.id)
    assert body is not None
    monitoring = hub.fleet.generation.desired.monitoring
    token = hub.seal.model_token(task.id, task.attempt, task.lease.instance)
    return {
        "id": f"msg-{task.id}-{task.attempt}",
        "type": "task.assigned",
        "task": task.id,
        "attempt": task.attempt,
        "payload": {
            "prompt": body.prompt,
            "model_token": token,
            "sensitivity": task.sensitivity,
            "labels": dict(task.labels),
            "timeout_s": task.timeout_s,
            "lease_s": monitoring.lease_s,
            "heartbeat_s": monitoring.heartbeat_s,
            "budget": _budget(hub.fleet, task),
            "output_schema": body.output_schema,
        },
    }


def _budget(fleet: Fleet, task: Task) -> dict[str, Any]:
    """Return what agentd holds the task to: not dollars that the hub counts by a price of its own."""
    budget = budgets.in_force(task, fleet)
    return {
        "usd": None if budgets.priced(task, fleet) else budget.usd,
        "tokens": budget.tokens,
        "turns": budget.turns,
    }
