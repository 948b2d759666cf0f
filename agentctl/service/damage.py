"""A record that fails its checksum: that one request is answered so, the record put aside, people told.

The hub degrades only where it can't go on without the record: policy, registry, the journal's head.
Source: docs/decisions/0010-journal-and-state.md.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agentctl.errors import StateDamaged, Unavailable
from agentctl.model.task import TaskState
from agentctl.service import modes
from agentctl.service.context import Hub
from agentctl.service.record import note, note_task
from agentctl.store import Txn, keys, quarantine, tasks
from agentctl.store.codec import RecordDamaged
from agentctl.store.quarantine import VITAL, Done
from agentctl.store.txn import Table
from agentctl.tasks import cancel

DAMAGED_MAX = 1000  # that are remembered; a store with more is restored, not repaired

log = logging.getLogger("agentctl.hub")


@contextmanager
def told(hub: Hub) -> Iterator[None]:
    """Report a damaged record that shows itself inside, and let the error through."""
    try:
        yield
    except RecordDamaged as damage:
        report(hub, damage)
        raise


def past(hub: Hub, work: Callable[[], object]) -> None:
    """Do `work`, over again behind each damaged record that is put aside; raises at one that can't be."""
    for _ in range(DAMAGED_MAX):
        try:
            work()
            return
        except RecordDamaged as damage:
            if damage.table is not Table.TASKS:
                raise
            report(hub, damage)


def report(hub: Hub, damage: RecordDamaged) -> None:
    """Treat a damaged record once, journal it, and degrade where nothing goes on without it."""
    name = f"{damage.table}/{damage.key.hex()}"
    with hub.live.lock:
        if name in hub.live.damaged or len(hub.live.damaged) >= DAMAGED_MAX:
            return
        hub.live.damaged[name] = damage.detail
    log.error("%s", damage)
    if damage.table in VITAL:
        modes.cause(hub, modes.DAMAGE, damage.detail)
    try:
        hub.store.write(lambda txn: _treat(hub, txn, damage))
    except (StateDamaged, Unavailable) as why:
        log.error("a damaged record could not be treated: %s", why)
        with hub.live.lock:
            del hub.live.damaged[name]  # it is tried again when it shows itself again


def look_over(hub: Hub) -> None:
    """Take up what earlier runs put in quarantine: people hear of it until it is dealt with."""
    with hub.store.read() as txn:
        for each in quarantine.all(txn):
            hub.live.damaged[f"{each.table}/{each.key}"] = each.why


def refuse_quarantined(txn: Txn, task_id: str) -> None:
    """Raise StateDamaged when a task isn't there because its record is in quarantine."""
    held = quarantine.holds(txn, Table.TASKS, keys.text(task_id))
    if held is not None:
        raise StateDamaged(
            f"task {task_id} is in quarantine: {held.why}",
            hint="docs/recovery.md says how to get it back from a backup",
        )


def _treat(hub: Hub, txn: Txn, damage: RecordDamaged) -> None:
    now_s = hub.clock.wall_s()
    done = quarantine.treat(txn, damage, at_s=now_s)
    if damage.table is Table.TASK_BODIES:
        _end_what_waits(hub, txn, damage)
    shown = damage.key.decode("ascii", "backslashreplace").replace("\0", "/")
    note(
        hub,
        txn,
        "state.damaged",
        who="hub",
        subject=shown,
        table=damage.table,
        done=done if done is not Done.LEFT else "",
    )


def _end_what_waits(hub: Hub, txn: Txn, damage: RecordDamaged) -> None:
    """Cancel a waiting task whose prompt is lost: nobody could do it, and it would be handed out for ever."""
    task = tasks.get(txn, keys.last_text(damage.key))
    if task is not None and task.state in (TaskState.HELD, TaskState.QUEUED):
        reason = "its prompt failed its checksum: submit it again"
        after = cancel(task, reason=reason, now_s=hub.clock.wall_s())
        tasks.put(txn, after)
        note_task(hub, txn, after, "cancelled", who="hub", detail=reason)
