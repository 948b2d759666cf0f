"""What the hub does by itself, once a second: leases, deadlines, its own mode.

Expiry is an event that the hub writes, never a comparison made elsewhere.
"""

from collections.abc import Iterator
from itertools import chain

from agentctl.model.mode import Verb
from agentctl.model.task import LIVE, Task
from agentctl.monitor import permits
from agentctl.service import modes, panic
from agentctl.service.context import Hub
from agentctl.service.record import note_task
from agentctl.store import Txn
from agentctl.store import tasks as task_table
from agentctl.tasks import expire, resume, time_out

OVERTIME_S = (
    60.0  # agentd ends a task at its timeout; the hub does so this much later, if it didn't
)


def renew_all(hub: Hub) -> int:
    """Give every lease one period more: the hub was away, or its writes were; return how many."""
    lease_s = hub.fleet.lease_s if hub.fleet else 30.0

    def work(txn: Txn) -> int:
        live = list(task_table.live(txn))
        for task_id in live:
            task = task_table.get(txn, task_id)
            if task is not None and task.lease is not None:
                boot_id, boot_s = hub.clock.boot_id, hub.clock.boot_s()
                task_table.put(txn, resume(task, boot_id=boot_id, boot_s=boot_s, lease_s=lease_s))
        return len(live)

    return hub.store.write(work)


def tick(hub: Hub) -> None:
    """Expire leases and deadlines that have passed, and work out the mode."""
    modes.probe_store(hub)
    _nudge(hub)
    _keep_order(hub)
    _reconciler_silent(hub)
    modes.engines_down(hub)
    if not permits(hub.mode, "", Verb.EXPIRE_LEASE):
        hub.live.leases_rested = True
        return
    if hub.live.leases_rested:
        renew_all(hub)  # nobody could renew a lease while nothing could be written
        hub.live.leases_rested = False
    with hub.store.read() as txn:
        due = [task.id for task in _watched(hub, txn) if _what(hub, task)]
    if not due:
        return
    ended = hub.store.write(lambda txn: _settle(hub, txn, due))
    keys = [key for task in ended for key in (f"agent:{task.agent}", f"task:{task.id}")]
    hub.live.waiters.wake(*keys, *(f"instance:{task.instance}" for task in ended), "reconciler")


def _nudge(hub: Hub) -> None:
    """Wake all who wait for work that is queued: the few woken for it at first may not have been able."""
    if hub.fleet is None:
        return
    with hub.store.read() as txn:
        queued = [name for name in hub.fleet.agents if task_table.first_queued(txn, name)]
    hub.live.waiters.wake(*(f"agent:{name}" for name in queued))


def _keep_order(hub: Hub) -> None:
    if hub.live.order_unkept is not None and modes.STORE not in hub.live.causes:
        modes.keep_order(hub)
        panic.end_leases(hub)


def _watched(hub: Hub, txn: Txn) -> Iterator[Task]:
    """Yield what may be due: all that is leased, and what waits past its deadline."""
    late = task_table.deadline_passed(txn, hub.clock.wall_s())
    for task_id in chain(task_table.live(txn), late):
        task = task_table.get(txn, task_id)
        if task is not None:
            yield task


def _what(hub: Hub, task: Task) -> str:
    """Return what is due for a task: `deadline`, `expired` or ""."""
    wall_s = hub.clock.wall_s()
    if task.deadline_s is not None and wall_s > task.deadline_s:
        return "deadline"
    if task.state not in LIVE or task.lease is None:
        return ""
    boot_s, began_s = hub.clock.boot_s(), task.lease.began_s
    if began_s is not None and boot_s > began_s + task.timeout_s + OVERTIME_S:
        return "deadline"
    return "expired" if boot_s > task.lease.expires_at_s else ""


def _settle(hub: Hub, txn: Txn, due: list[str]) -> list[Task]:
    ended = []
    for task_id in due:
        task = task_table.get(txn, task_id)
        what = _what(hub, task) if task is not None else ""
        if task is None or not what:
            continue  # it moved between looking and writing
        now_s = hub.clock.wall_s()
        if what == "deadline":
            after = time_out(task, reason="its time was up", now_s=now_s)
        else:
            after = expire(task, reason=f"{task.instance} went silent", now_s=now_s)
        task_table.put(txn, after)
        note_task(hub, txn, after, what, who="hub", detail=after.error)
        ended.append(task)
    return ended


def _reconciler_silent(hub: Hub) -> None:
    seen_s = hub.live.reconciler_seen_s
    if seen_s is None or hub.fleet is None:
        return
    limit_s = hub.fleet.generation.desired.monitoring.reconciler_silent_s
    silent_s = hub.clock.boot_s() - seen_s
    reason = f"the reconciler is silent for {silent_s:.0f} s" if silent_s > limit_s else ""
    if reason or modes.RECONCILER in hub.live.causes:
        modes.cause(hub, modes.RECONCILER, reason)
