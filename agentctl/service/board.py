"""What the dashboard shows beside the status: where labelled work is, what is held and why, the pulse.

Every read is bounded: what it looks at doesn't grow with the tasks.
"""

from collections import defaultdict
from itertools import islice
from typing import Any

from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import LIVE, Task, TaskState
from agentctl.service import pulse
from agentctl.service.context import Hub
from agentctl.service.roles import READERS, require_role
from agentctl.service.snapshot import held
from agentctl.store import Txn
from agentctl.store import tasks as task_table

LOOKED_AT_MAX = 200  # tasks in each state: some 2 ms, and a screen shows no more
UNDER_WAY = (TaskState.HELD, TaskState.QUEUED, TaskState.LEASED, TaskState.RUNNING)


def board(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return work by level, high to low, with where it is; why tasks are held; ends by minute; cost.

    `whole` is False when there are more tasks under way than were looked at.
    """
    require_role(who, READERS, "read tasks")
    now_s = hub.clock.wall_s()
    pulse.load(hub.live.pulse, hub.store, until_s=hub.live.listening_since_s)
    with hub.store.read() as txn:
        counts = task_table.counts(txn)
        reasons, oldest_s = held(txn, counts[TaskState.HELD])
        under_way = _under_way(txn)
    return {
        "levels": _levels(hub, under_way),
        "whole": all(counts[state] <= LOOKED_AT_MAX for state in UNDER_WAY),
        "held": reasons,
        "held_oldest_s": oldest_s,
        "minutes": hub.live.pulse.minutes(now_s),
        "cost_usd": hub.live.pulse.cost_usd(now_s),
        "cost_since_s": hub.live.pulse.since_s,
    }


def _under_way(txn: Txn) -> list[Task]:
    ids = (
        task_id
        for state in UNDER_WAY
        for task_id in islice(task_table.in_state(txn, state), LOOKED_AT_MAX)
    )
    return [task for each in ids if (task := task_table.get(txn, each)) is not None]


def _levels(hub: Hub, under_way: list[Task]) -> list[dict[str, Any]]:
    """Return each declared level, and any other that a task still carries, with its work."""
    declared = hub.fleet.levels.names if hub.fleet else ()
    others = sorted({each.sensitivity for each in under_way} - set(declared))
    return [_level(each, under_way) for each in (*reversed(declared), *others)]


def _level(level: str, under_way: list[Task]) -> dict[str, Any]:
    counts = dict.fromkeys(("held", "queued", "at_work"), 0)
    where: dict[tuple[str, str], int] = defaultdict(int)
    for task in under_way:
        if task.sensitivity == level:
            counts["at_work" if task.state in LIVE else task.state.value] += 1
            if task.state in LIVE and task.routed is not None:
                where[task.routed.boundary, task.routed.provider] += 1
    places = [
        {"boundary": boundary, "provider": provider, "tasks": count}
        for (boundary, provider), count in sorted(where.items())
    ]
    return {"level": level, **counts, "where": places}
