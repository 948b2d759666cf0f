"""What the hub's checks look at, gathered: the store's tables and the hub's memory as plain values."""

from collections import Counter, defaultdict

from agentctl.model.fleet import Monitoring
from agentctl.model.instance import Instance
from agentctl.model.task import TaskState
from agentctl.monitor.snapshot import (
    Capacity,
    Living,
    Looked,
    Snapshot,
    Step,
    Unanswered,
    Waiting,
    Working,
)
from agentctl.service import failing, usable
from agentctl.service.context import Hub
from agentctl.store import Txn, instances, quarantined_agents
from agentctl.store import tasks as task_table

HELD_READ_MAX = 200  # of the held: their reasons are alike
DEAD_READ_MAX = 100  # newest dead letters; more than these need no exact figure
REASON_MAX = 160


def snapshot(hub: Hub) -> Snapshot:
    """Return the fleet as the hub knows it now."""
    live, now_s = hub.live, hub.clock.wall_s()
    monitoring = hub.fleet.generation.desired.monitoring if hub.fleet else Monitoring()
    with hub.store.read() as txn:
        counts = task_table.counts(txn)
        living = list(instances.alive(txn))
        reasons, held_oldest_s = held(txn, counts.get(TaskState.HELD, 0))
        return Snapshot(
            now_s=now_s,
            mode=hub.mode,
            monitoring=monitoring,
            waiting=_waiting(hub, txn) if counts.get(TaskState.QUEUED) else {},
            capacity=_capacity(txn, living),
            held=reasons,
            held_oldest_s=held_oldest_s,
            dead=_dead(txn, now_s - monitoring.dead_letters_s) if counts.get(TaskState.DEAD) else 0,
            moved_s=max(live.moved_s, live.listening_since_s),
            working=_working(hub, txn),
            living=tuple(_living(hub, each) for each in living),
            upstreams=failing.of_declared(hub),
            unusable=usable.of_declared(hub),
            away=usable.away_of_declared(hub),
            hosts=_hosts(hub),
            steps=_steps(hub),
            apart_since_s=live.apart_since_s,
            looked_s=live.looked_s,
            key_made_s=hub.signer.made_at_s or None,
            damaged=dict(live.damaged),
            barred=dict(live.barred),
            files=live.files,
            quarantined=quarantined_agents.all(txn),
            unanswered=_unanswered(hub),
        )


def _waiting(hub: Hub, txn: Txn) -> dict[str, Waiting]:
    found = {}
    for agent in hub.fleet.agents if hub.fleet else ():
        oldest = task_table.oldest_queued(txn, agent)
        task = task_table.get(txn, oldest) if oldest else None
        if task is not None:
            waiting = Waiting(tasks=task_table.load(txn, agent), oldest_s=task.submitted_at_s)
            found[agent] = waiting
    return found


def _capacity(txn: Txn, living: list[Instance]) -> dict[str, Capacity]:
    ready: Counter[str] = Counter()
    busy: Counter[str] = Counter()
    for each in living:
        if each.state.value == "running" and not each.draining:
            ready[each.agent] += 1
            busy[each.agent] += bool(task_table.live_of(txn, each.id))
    return {agent: Capacity(ready=ready[agent], busy=busy[agent]) for agent in ready}


def held(txn: Txn, total: int) -> tuple[dict[str, int], float | None]:
    """Return why tasks are held, with how many of each, and when the oldest was submitted."""
    if not total:
        return {}, None
    reasons: dict[str, int] = defaultdict(int)
    oldest_s: float | None = None
    for _, task_id in zip(
        range(HELD_READ_MAX), task_table.in_state(txn, TaskState.HELD), strict=False
    ):
        task = task_table.get(txn, task_id)
        if task is not None:
            oldest_s = task.submitted_at_s if oldest_s is None else oldest_s
            reasons[task.held_reason[:REASON_MAX] or "no reason given"] += 1
    if total > HELD_READ_MAX:
        reasons["of reasons not looked at"] = total - HELD_READ_MAX
    return dict(reasons), oldest_s


def _dead(txn: Txn, since_s: float) -> int:
    newest, _ = task_table.page(txn, state=TaskState.DEAD, limit=DEAD_READ_MAX)
    return sum(1 for each in newest if (each.finished_at_s or 0.0) > since_s)


def _working(hub: Hub, txn: Txn) -> tuple[Working, ...]:
    found = []
    for task_id in task_table.in_state(txn, TaskState.RUNNING):
        task = task_table.get(txn, task_id)
        if task is None:
            continue
        seen = hub.live.progress.get(task_id, {})
        moved_s = max(
            float(seen.get("moved_s") or seen.get("at_s") or 0.0),
            task.started_at_s or 0.0,
            hub.live.listening_since_s,
        )
        found.append(
            Working(task=task_id, agent=task.agent, instance=task.instance, moved_s=moved_s)
        )
    return tuple(found)


def _living(hub: Hub, instance: Instance) -> Living:
    spec = hub.fleet.agents.get(instance.agent) if hub.fleet else None
    born_s = max(instance.created_at_s, hub.live.listening_since_s)
    return Living(
        instance=instance.id,
        agent=instance.agent,
        host=instance.host,
        state=instance.state.value,
        created_s=instance.created_at_s,
        seen_s=hub.live.instance_seen_s.get(instance.id, born_s),
        ttl_s=spec.ttl_s if spec else None,
        grace_s=spec.grace_s if spec else 0.0,
    )


def _unanswered(hub: Hub) -> dict[str, Unanswered]:
    """Return the verbs that OPA leaves without an answer, while it is asked at all."""
    if hub.fleet is None or not hub.fleet.opa.enabled:
        return {}
    with hub.live.opa.lock:
        silent = dict(hub.live.opa.silent)
    return {verb: Unanswered(why=each.why, since_s=each.since_s) for verb, each in silent.items()}


def _hosts(hub: Hub) -> tuple[Looked, ...]:
    return tuple(
        Looked(
            name=each["name"], down=each["name"] in hub.mode.hosts_down, error=str(each["error"])
        )
        for each in hub.live.hosts
    )


def _steps(hub: Hub) -> tuple[Step, ...]:
    return tuple(
        Step(
            verb=each["verb"],
            host=each["host"],
            agent=each["agent"],
            replica=each["replica"],
            state=each["state"],
            error=str(each.get("error") or ""),
        )
        for each in hub.live.last_pass.get("actions", ())
    )
