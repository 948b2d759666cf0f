"""What an agent wrote of how its task went, beside the result: the end of a program's output, a note.

It is content, with its container's label: for those who see results, and in no line of the journal,
which is exported and read by everybody. Others get the reason's one word.
"""

from typing import Any

from agentctl.model.digest import plain
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import FINAL, Task
from agentctl.service.roles import sees_content
from agentctl.store.task_events import QUOTING, TaskHappening

WITHHELD = "withheld: it is the agent's own words"
TRIED = "an attempt failed"


def error_of(task: Task, who: OperatorPrincipal) -> str | None:
    """Return why a task failed, as this operator may read it; None when it didn't.

    What ends a task without a result is said by the hub.
    """
    if not task.error or sees_content(who):
        return task.error or None
    if task.result is not None:
        return task.result.reason or WITHHELD
    return task.error if task.state in FINAL else TRIED


def happening(event: TaskHappening, who: OperatorPrincipal) -> dict[str, Any]:
    """Return an event as this operator may read it."""
    row: dict[str, Any] = plain(event)
    quotes = event.event in QUOTING and event.detail and not sees_content(who)
    return row | {"detail": WITHHELD} if quotes else row


def progress(said: dict[str, Any] | None, who: OperatorPrincipal) -> dict[str, Any] | None:
    """Return progress as this operator may read it: figures for all, the note for some."""
    if said is None or sees_content(who):
        return said
    return {name: value for name, value in said.items() if name != "note"}
