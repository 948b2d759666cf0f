"""A task's artifacts: taken in while its holder works, named by its result, read by operators."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO

from agentctl.errors import Conflict, NotFound, Refused
from agentctl.model.digest import plain
from agentctl.model.mode import Verb
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal
from agentctl.model.task import FINAL, Task
from agentctl.service.context import Hub
from agentctl.service.poll import holds_lease
from agentctl.service.roles import READERS, require_role, sees_content
from agentctl.store import Table, Txn, keys, quarantine
from agentctl.store import tasks as task_table

NOTE_CHARS_MAX = 500

Named = list[dict[str, Any]]


def put(
    hub: Hub,
    who: AgentPrincipal,
    sha256: str,
    *,
    task: str,
    attempt: int,
    size: int,
    offset: int,
    part: bytes,
) -> dict[str, Any]:
    """Take one part of a file from whoever holds the task now; say whether the file is whole.

    Nothing is listed anywhere until a result names it. Raises Conflict for a stale attempt or
    another's task, and what the shelf raises.
    """
    hub.require(Verb.SETTLE)
    with hub.store.read() as txn:
        found = task_table.get(txn, task)
    if found is None or not holds_lease(found, who.instance, attempt):
        raise Conflict(
            f"attempt {attempt} of {task} is not held by {who.instance}",
            hint="stop working on it; poll again",
        )
    whole = hub.shelf.put(task, attempt, sha256, size=size, offset=offset, part=part)
    return {"sha256": sha256, "complete": whole}


def arrived(hub: Hub, task: str, attempt: int, payload: dict[str, Any]) -> dict[str, Any]:
    """Return a result's payload with those artifacts alone that are here, and a note on the others."""
    named: Named = payload.get("artifacts") or []
    here = [each for each in named if hub.shelf.holds(task, attempt, each["sha256"], each["size"])]
    note = payload.get("artifacts_note", "")
    if len(here) < len(named):
        missing = ", ".join(each["name"] for each in named if each not in here)
        note = "; ".join(filter(None, [note, f"never arrived: {missing}"]))
    return {**payload, "artifacts": here, "artifacts_note": note[:NOTE_CHARS_MAX]}


def tidy(hub: Hub, task: Task) -> None:
    """Remove what no result names, once a task has ended or an attempt gave up."""
    if task.state in FINAL or task.lease is None:
        named = task.result.artifacts if task.result and task.state in FINAL else ()
        hub.shelf.keep_only(task.id, task.attempt, {each.sha256 for each in named})


def forget(hub: Hub, tasks: Iterable[str]) -> None:
    """Remove the artifacts of tasks that are removed: after their records, so that none names nothing."""
    for each in tasks:
        hub.shelf.forget(each)


def sweep(hub: Hub) -> int:
    """Remove the folders of tasks that the store doesn't know (any more); return how many."""
    with hub.store.read() as txn:
        strangers = [each for each in hub.shelf.tasks() if not _known(txn, each)]
    forget(hub, strangers)
    return len(strangers)


def _known(txn: Txn, task_id: str) -> bool:
    """Whether the store has the task, be it in quarantine: from there it may come back."""
    if task_table.get(txn, task_id) is not None:
        return True
    return quarantine.holds(txn, Table.TASKS, keys.text(task_id)) is not None


def listed(hub: Hub, task_id: str, who: OperatorPrincipal) -> dict[str, Any]:
    """Return a task's artifacts and the note on what was left out; raises NotFound, Refused."""
    found = _readable(hub, task_id, who)
    result = found.result
    return {
        "artifacts": [plain(each) for each in result.artifacts] if result else [],
        "note": (result.artifacts_note or None) if result else None,
    }


def opened(hub: Hub, task_id: str, name: str, who: OperatorPrincipal) -> BinaryIO:
    """Return an artifact's file, open for reading; raises NotFound when there is none, Refused."""
    found = _readable(hub, task_id, who)
    for each in found.result.artifacts if found.result else ():
        if each.name == name:
            with suppress(FileNotFoundError):  # taken away with its task a moment ago
                return hub.shelf.path(task_id, found.attempt, each.sha256).open("rb")
    raise NotFound(
        f"task {task_id} has no artifact of that name",
        hint=f"`agentctl task artifacts {task_id}` lists them",
    )


def _readable(hub: Hub, task_id: str, who: OperatorPrincipal) -> Task:
    require_role(who, READERS, "read tasks")
    if not sees_content(who):
        raise Refused(
            f"{who.name} is {who.role.value} and may not read what agents wrote",
            rule="roles",
            hint="it takes the role operator or admin",
        )
    with hub.store.read() as txn:
        found = task_table.get(txn, task_id)
    if found is None:
        raise NotFound(f"no task {task_id!r}", hint="`agentctl tasks` lists them")
    return found
