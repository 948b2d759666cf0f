"""Submit a task that has ended once more, as a new task that names the old one."""

from agentctl.errors import Conflict, NotFound
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import FINAL, NewTask, Task
from agentctl.service.context import Hub
from agentctl.service.roles import OPERATORS, require_role
from agentctl.service.submit import submit
from agentctl.store import tasks as task_table


def retry(hub: Hub, task_id: str, who: OperatorPrincipal) -> Task:
    """Return the new task (`retry_of` is the old one's id). The label is the old one's in force.

    Raises NotFound, Conflict when the task hasn't ended, and what submit raises.
    """
    require_role(who, OPERATORS, "retry tasks")
    with hub.store.read() as txn:
        old = task_table.get(txn, task_id)
        body = task_table.body(txn, task_id)
        parent = task_table.get(txn, old.parent) if old and old.parent else None
    if old is None or body is None:
        raise NotFound(f"no task {task_id!r}", hint="`agentctl tasks` lists them")
    if old.state not in FINAL:
        raise Conflict(
            f"task {task_id} is {old.state}", hint="only a task that has ended is submitted again"
        )
    again = NewTask(
        prompt=body.prompt,
        sensitivity=old.sensitivity,
        capabilities=old.capabilities,
        agent=old.agent_wanted,
        labels=old.labels,
        priority=old.priority,
        timeout_s=old.timeout_s,
        max_attempts=old.max_attempts,
        parent=parent.id if parent else None,  # it may have been removed; the label stands
        budget=old.budget,
        output_schema=body.output_schema,
    )
    task, _ = submit(hub, again, who, retry_of=old.id)
    return task
