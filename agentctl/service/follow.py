"""A task as it goes on: its events past those known, its progress, and whether it has ended.

Whoever waits is woken by what happens to the task; the wait ends early at each thing new.
"""

from collections.abc import Callable
from typing import Any

from agentctl.errors import NotFound
from agentctl.model.digest import plain
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import FINAL, LIVE
from agentctl.service import agents_words, views
from agentctl.service.context import Hub
from agentctl.service.live import wait_until
from agentctl.service.roles import READERS, require_role
from agentctl.store import task_events
from agentctl.store import tasks as task_table

Row = dict[str, Any]


def task(
    hub: Hub,
    task_id: str,
    who: OperatorPrincipal,
    *,
    after: int | None,
    wait_s: float,
    gone: Callable[[], bool],
) -> tuple[Row, bool]:
    """Return one task as `views.task` does, once it has ended or has more than `after` events.

    With `after` None any event from now on counts. Returns also whether there was one, or the end;
    without, the wait is over. Raises NotFound at once.
    """

    known = after

    def look() -> tuple[Row, bool]:
        nonlocal known
        row = views.task(hub, task_id, who)
        known = len(row["events"]) if known is None else known
        return row, row["state"] in FINAL or len(row["events"]) > known

    return _wait(hub, task_id, look, wait_s=wait_s, gone=gone)


def events(
    hub: Hub,
    task_id: str,
    who: OperatorPrincipal,
    *,
    after: int,
    progress: int | None,
    wait_s: float,
    gone: Callable[[], bool],
) -> tuple[Row, bool]:
    """Return a task's events past the first `after`, and whether there was anything new.

    The row has `events` (each with its `number`, from 1), `next` (what to pass as `after`),
    `state`, `ended`, `held_reason`, `error` and `progress` with a `number` of its own. Progress
    counts as new when `progress` is given and differs from that number. Raises NotFound at once.
    """
    require_role(who, READERS, "read tasks")

    def look() -> tuple[Row, bool]:
        row = _row(hub, task_id, who, after)
        now = row["progress"]
        moved = progress is not None and now is not None and now["number"] != progress
        return row, bool(row["events"] or row["ended"] or moved)

    return _wait(hub, task_id, look, wait_s=wait_s, gone=gone)


def _wait(
    hub: Hub,
    task_id: str,
    look: Callable[[], tuple[Row, bool]],
    *,
    wait_s: float,
    gone: Callable[[], bool],
) -> tuple[Row, bool]:
    row, new = look()
    if new or wait_s <= 0:
        return row, new

    def again() -> bool:
        nonlocal row, new
        row, new = look()
        return new

    key = f"task:{task_id}"
    wait_until(hub.live.waiters, (key,), again, wait_s=wait_s, now_s=hub.clock.boot_s, gone=gone)
    return row, new


def _row(hub: Hub, task_id: str, who: OperatorPrincipal, after: int) -> Row:
    with hub.store.read() as txn:
        found = task_table.get(txn, task_id)
        if found is None:
            raise NotFound(f"no task {task_id!r}", hint="`agentctl tasks` lists them")
        numbered = task_events.past(txn, task_id, after)
    said = hub.live.progress.get(task_id)
    return {
        "task": task_id,
        "state": found.state.value,
        "ended": found.state in FINAL,
        "attempt": found.attempt,
        "held_reason": found.held_reason or None,
        "error": agents_words.error_of(found, who),
        "usage": plain(found.usage),
        "events": [
            {"number": number, **agents_words.happening(each, who)} for number, each in numbered
        ],
        "next": numbered[-1][0] if numbered else after,
        "progress": agents_words.progress(said, who) if found.state in LIVE else None,
    }
