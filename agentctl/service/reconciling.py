"""The reconciler's side of the hub: what is desired, what it sees, what it did."""

from collections.abc import Callable
from typing import Any

from agentctl.model.digest import plain
from agentctl.model.instance import Instance, InstanceState
from agentctl.model.mode import Verb
from agentctl.model.task import Task
from agentctl.monitor import permits
from agentctl.service import ephemeral, modes, outdated, workspaces
from agentctl.service.context import Hub
from agentctl.service.instances import end
from agentctl.service.live import wait_until
from agentctl.service.record import note
from agentctl.store import Txn, instances, quarantined_agents
from agentctl.store import tasks as task_table

ACTIONS_JOURNALED = frozenset({"done", "failed"})


def desired(
    hub: Hub, *, after: int, wait_s: float, gone: Callable[[], bool], wakes: int = -1
) -> dict[str, Any]:
    """Return the applied generation when it is newer than `after`, waiting up to `wait_s` seconds.

    A wake without a newer generation (work came, a drain ended) returns early with `desired` null.
    `wakes` is the last answer's count of them, so that none between two polls is missed;
    -1 counts from now.
    """
    hub.live.reconciler_seen_s = hub.clock.boot_s()
    seen = wakes if wakes >= 0 else hub.live.waiters.seen("reconciler")

    def look() -> bool:
        newest = hub.fleet.generation.number if hub.fleet else 0
        return newest > after or hub.live.waiters.seen("reconciler") != seen

    wait_until(
        hub.live.waiters,
        ("reconciler",),
        look,
        wait_s=wait_s,
        now_s=hub.clock.boot_s,
        gone=gone,
    )
    counted = hub.live.waiters.seen("reconciler")
    generation = hub.fleet.generation if hub.fleet else None
    newer = generation is not None and generation.number > after
    return {
        "generation": generation.number if generation else 0,
        "digest": generation.digest if generation else "",
        "prune": generation.prune if generation else False,
        "mode": hub.mode.name.value,
        "installation": hub.installation,
        "wakes": counted,
        "desired": plain(generation.desired) if generation and newer else None,
    }


def observed(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Take what the engines report; end the instances whose container is gone or has exited.

    Returns every living instance with the task it holds, and the tasks of ephemeral agents that
    want a container, the agents in quarantine, the places whose workspace may not serve what
    is declared there, and what living containers were born with that isn't declared now.
    Hosts that didn't answer end nothing.
    """
    hub.live.reconciler_seen_s = hub.clock.boot_s()
    hub.live.looked_s = hub.clock.wall_s()
    hub.live.hosts = [
        {
            "name": each["name"],
            "reachable": not each["error"],
            "error": each["error"],
            "engine": each["engine"],
            "containers": len(each["containers"]),
        }
        for each in body["hosts"]
    ]
    modes.hosts_seen(hub)
    running = _running(body)
    answered = {each["name"] for each in body["hosts"] if not each["error"]}
    with hub.store.read() as txn:
        gone = [each for each in instances.alive(txn) if _has_gone(each, answered, running)]
    if gone and permits(hub.mode, "", Verb.SETTLE):
        agents = hub.store.write(lambda txn: _end_all(hub, txn, gone))
        hub.live.waiters.wake(*(f"agent:{agent}" for agent in agents))
    hub.live.running |= {
        each["name"]: _places(hub, each) for each in body["hosts"] if not each["error"]
    }
    with hub.store.read() as txn:
        alive = list(instances.alive(txn))
        living = [_row(hub, txn, each) for each in alive]
        born = outdated.births(hub, txn, alive)
        demand = [_demand(each) for each in ephemeral.wanted(hub, txn)]
        apart = sorted(quarantined_agents.names(txn))
        refused = list(workspaces.refused(hub, txn))
    return {
        "mode": hub.mode.name.value,
        "instances": living,
        "demand": demand,
        "quarantined": apart,
        "refused": refused,
        "births": born,
    }


def _running(body: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Host and instance → container for all that the engines report as not exited, each of its own host."""
    return {
        (host["name"], container["instance"]): container["id"]
        for host in body["hosts"]
        for container in host["containers"]
        if container["state"] != "exited"
    }


def _places(hub: Hub, host: dict[str, Any]) -> frozenset[tuple[str, int]]:
    """Return the places of this installation that something runs at, whether or not it has a record."""
    return frozenset(
        (container["agent"], container["replica"])
        for container in host["containers"]
        if container["state"] != "exited" and container["installation"] == hub.installation
    )


def _has_gone(instance: Instance, answered: set[str], running: dict[tuple[str, str], str]) -> bool:
    """Whether an engine that answered has no such container (passes follow each other: none is half-made)."""
    if instance.host not in answered:
        return False
    there = running.get((instance.host, instance.id))
    return there is None or (instance.container != "" and there != instance.container)


def _end_all(hub: Hub, txn: Txn, gone: list[Instance]) -> list[str]:
    agents = []
    for each in gone:
        now = instances.get(txn, each.id)
        if now is not None and now.alive:
            agents += end(hub, txn, now, InstanceState.RECYCLED, "its container is gone")
    return agents


def _demand(task: Task) -> dict[str, Any]:
    return {"task": task.id, "agent": task.agent, "sensitivity": task.sensitivity}


def _row(hub: Hub, txn: Txn, instance: Instance) -> dict[str, Any]:
    held = task_table.live_of(txn, instance.id)
    return {
        "id": instance.id,
        "agent": instance.agent,
        "host": instance.host,
        "replica": instance.replica,
        "state": instance.state.value,
        "container": instance.container,
        "draining": instance.draining,
        "task": held[0].id if held else None,
        "waiting": outdated.waiting_for(hub, txn, instance),
        "free": instance.free,
        "served": bool(instance.served),
        "spent": ephemeral.spent(hub, txn, instance, works=bool(held)),
    }


def record_pass(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Keep the reconciler's pass for people to watch; journal each action that newly ended."""
    before = {_key(each): each["state"] for each in hub.live.last_pass.get("actions", ())}
    ended = [
        each
        for each in body["actions"]
        if each["state"] in ACTIONS_JOURNALED and before.get(_key(each)) != each["state"]
    ]
    hub.live.last_pass = {**body, "at_s": hub.clock.wall_s()}
    if body["converged"]:
        hub.live.apart_since_s = None
    elif hub.live.apart_since_s is None:
        hub.live.apart_since_s = hub.clock.wall_s()
    if ended and permits(hub.mode, "", Verb.SETTLE):
        hub.store.write(lambda txn: _note_actions(hub, txn, ended))
    hub.live.waiters.wake("plan")
    return {}


def _key(action: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(action.get(name) for name in ("verb", "host", "agent", "replica"))


def _note_actions(hub: Hub, txn: Txn, actions: list[dict[str, Any]]) -> None:
    for each in actions:
        note(
            hub,
            txn,
            f"action.{each['state']}",
            who="reconciler",
            subject=f"{each['host']}/{each['agent']}/{each['replica']}",
            verb=each["verb"],
            causes="; ".join(each.get("causes", ()))[:300],
            error=str(each.get("error") or "")[:300],
        )
