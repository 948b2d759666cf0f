"""Take a task back; whoever runs it learns by its next poll and stops."""

from agentctl.errors import Conflict, NotFound
from agentctl.model.mode import Verb
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import Task, TaskState
from agentctl.service import artifacts, delegated
from agentctl.service.context import Hub
from agentctl.service.record import note_task
from agentctl.service.roles import OPERATORS, require_role
from agentctl.store import Txn
from agentctl.store import tasks as task_table
from agentctl.tasks import Impossible
from agentctl.tasks import cancel as cancelled


def cancel(hub: Hub, task_id: str, who: OperatorPrincipal) -> Task:
    """Return the cancelled task; cancelling twice is no error. Raises NotFound, Conflict when it has ended."""
    require_role(who, OPERATORS, "cancel tasks")
    hub.require(Verb.CANCEL)
    principal = f"operator:{who.name}"

    def work(txn: Txn) -> Task:
        task = task_table.get(txn, task_id)
        if task is None:
            raise NotFound(f"no task {task_id!r}", hint="`agentctl tasks` lists them")
        if task.state is TaskState.CANCELLED:
            return task
        try:
            after = cancelled(task, reason=f"cancelled by {principal}", now_s=hub.clock.wall_s())
        except Impossible as why:
            raise Conflict(f"task {task_id} has ended: it is {task.state}") from why
        task_table.put(txn, after)
        note_task(hub, txn, after, "cancelled", who=principal)
        return after

    task = hub.store.write(work)
    hub.live.progress.pop(task_id, None)
    delegated.look_after(hub)
    hub.live.waiters.wake(f"instance:{task.instance}", f"task:{task_id}", "reconciler")
    artifacts.tidy(hub, task)
    return task
