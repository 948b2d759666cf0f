"""Everything stopped: leases end at once, so that nothing more is spent or settled; the evidence stays.

The reconciler kills the containers (it alone has the engines); here is what the hub does itself.
"""

from agentctl.model.task import Task
from agentctl.service.context import Hub
from agentctl.service.record import note_task
from agentctl.store import Txn
from agentctl.store import tasks as task_table
from agentctl.tasks import expire

REASON = "everything was stopped"


def end_leases(hub: Hub) -> int:
    """End every lease: tasks go back to their queues (or are dead, their attempts spent); return how many.

    Model calls are cut with their leases, within the gateway's next look.
    """

    def work(txn: Txn) -> list[Task]:
        return [_end(hub, txn, each) for each in list(task_table.live(txn))]

    ended = hub.store.write(work)
    hub.live.waiters.wake(*(f"task:{task.id}" for task in ended))
    return len(ended)


def _end(hub: Hub, txn: Txn, task_id: str) -> Task:
    task = task_table.get(txn, task_id)
    assert task is not None  # the index that named it is of the same transaction
    after = expire(task, reason=f"{REASON} by {hub.mode.who}", now_s=hub.clock.wall_s())
    task_table.put(txn, after)
    note_task(hub, txn, after, "expired", who=hub.mode.who, detail=after.error)
    return after


def wake_all(hub: Hub) -> None:
    """Let the reconciler act now, and agents learn that their leases are gone."""
    agents = hub.fleet.agents if hub.fleet else {}
    hub.live.waiters.wake("reconciler", *(f"agent:{name}" for name in agents))
