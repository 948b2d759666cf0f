"""An attempt that ended because its provider was away isn't spent: the task is held, and tried again later.

The gateway's own report proves it, of this attempt's last call; what the agent says of its
failure counts for nothing here. Source: docs/decisions/0032-a-provider-that-is-away.md.
"""

from agentctl.model.task import LIVE, PUT_OFF_MAX, Task, TaskState, Usage
from agentctl.service import reroute
from agentctl.service.context import Hub
from agentctl.store import tasks as task_table
from agentctl.tasks import put_off

AWAY = "provider-away"  # the gateway's word for a call that it refused for this reason
_HELD = "its provider was away"  # for the moment that it takes to route it again
KEPT_MAX = 10_000  # attempts that run at once are fewer; one too many is spent, as any failure


def heard(hub: Hub, lease: tuple[str, int], word: str, why: str) -> None:
    """Take the gateway's word on how an attempt's newest call ended."""
    with hub.live.lock:
        hub.live.put_off.pop(lease, None)
        if word != AWAY:
            return
        hub.live.put_off[lease] = why
        while len(hub.live.put_off) > KEPT_MAX:
            hub.live.put_off.popitem(last=False)


def instead(hub: Hub, task: Task, usage: Usage) -> Task | None:
    """Return a task held instead of failed, where its attempt's provider was away; None where it wasn't.

    Its error is the gateway's word: the agent knows of a 403 alone. Raises Impossible as any step does.
    """
    why = hub.live.put_off.get((task.id, task.attempt))
    if why is None or task.put_off >= PUT_OFF_MAX:
        return None
    return put_off(task, usage, detail=why, reason=_HELD)


def look_again(hub: Hub, task_id: str) -> None:
    """Route a task that was just put off: its provider may be well again, and nobody else would look."""
    with hub.store.read() as txn:
        task = task_table.get(txn, task_id)
    if task is None or task.state in LIVE:
        return
    with hub.live.lock:
        hub.live.put_off.pop((task_id, task.attempt), None)
    if task.state is TaskState.HELD:
        reroute.one(hub, task_id)
