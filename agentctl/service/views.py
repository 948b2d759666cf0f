"""What operators read: tasks, status, plan, journal; read-only, one snapshot each."""

from typing import Any

from agentctl.errors import NotFound, UsageError
from agentctl.model.digest import plain
from agentctl.model.mode import ModeName
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.task import TaskState
from agentctl.service import (
    agents_words,
    alerts,
    budgets,
    damage,
    failing,
    files,
    modes,
    quarantine,
    usable,
    workspaces,
)
from agentctl.service.context import Hub
from agentctl.service.roles import PLANNERS, READERS, require_role, sees_content
from agentctl.service.task_row import task_facts, task_row
from agentctl.store import generations as generation_table
from agentctl.store import instances, quarantined_agents, task_events
from agentctl.store import journal as journal_table
from agentctl.store import tasks as task_table

PAGE_MAX = 1000


def task(hub: Hub, task_id: str, who: OperatorPrincipal) -> dict[str, Any]:
    """Return one task with its prompt, result, progress and events; raises NotFound."""
    require_role(who, READERS, "read tasks")
    with hub.store.read() as txn:
        found = task_table.get(txn, task_id)
        if found is None:
            damage.refuse_quarantined(txn, task_id)
            raise NotFound(f"no task {task_id!r}", hint="`agentctl tasks` lists them")
        body = task_table.body(txn, task_id)
        events = task_events.of(txn, task_id)
        children = [each.id for each in task_table.children(txn, task_id)]
    row = task_row(found, content=sees_content(who))
    row["prompt"] = body.prompt if body and sees_content(who) else None
    row["error"] = agents_words.error_of(found, who)
    row["events"] = [agents_words.happening(each, who) for each in events]
    row["children"] = children
    row["progress"] = agents_words.progress(hub.live.progress.get(task_id), who)
    row["budget"] = plain(budgets.in_force(found, hub.fleet))
    return row


def tasks(
    hub: Hub,
    who: OperatorPrincipal,
    *,
    state: str | None,
    agent: str | None,
    label: tuple[str, ...],
    since: float | None,
    limit: int,
    before: str | None,
) -> dict[str, Any]:
    """Return a page of tasks, newest first, and the id to pass as `before` for the next page.

    `label` are words `name=value`, all of which a task has to carry; `since` is wall clock seconds.
    """
    require_role(who, READERS, "read tasks")
    if state is not None and state not in tuple(TaskState):
        raise UsageError(f"no state {state!r}", hint=f"one of {', '.join(TaskState)}")
    with hub.store.read() as txn:
        found, following = task_table.page(
            txn,
            state=TaskState(state) if state else None,
            agent=agent,
            labels=tuple(
                (name, value) for name, _, value in (each.partition("=") for each in label)
            ),
            since_s=since,
            limit=min(limit, PAGE_MAX),
            before=before,
        )
    return {"tasks": [task_facts(each, who) for each in found], "next": following}


def status(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return mode, generation, counts and what needs a person's eye."""
    require_role(who, READERS, "read the status")
    with hub.store.read() as txn:
        counts = task_table.counts(txn)
        living = list(instances.alive(txn))
        apart = quarantine.rows(txn)
    by_state: dict[str, int] = {}
    for each in living:
        by_state[each.state.value] = by_state.get(each.state.value, 0) + 1
    generation = hub.fleet.generation if hub.fleet else None
    return {
        "version": hub.version,
        "installation": hub.installation,
        "mode": modes.as_row(hub.mode),
        "generation": _generation_row(generation) if generation else None,
        "fleet": generation.desired.fleet if generation else None,
        "tasks": counts,
        "instances": by_state,
        "hosts": hub.live.hosts,
        "files": files.as_row(hub),
        "quarantined": apart,
        "unusable": dict(usable.of_declared(hub)),
        "away": usable.away_of_declared(hub),
        "keys_looked_at": hub.live.keys_looked_at,
        "failing": failing.as_words(hub),
        "converged": hub.live.last_pass.get("converged"),
        "alerts": alerts.show(hub, who, every=False)["alerts"],
    }


def mode(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return the mode in force."""
    require_role(who, PLANNERS, "read the mode")
    return modes.as_row(hub.mode)


def plan(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return the reconciler's last pass; empty before the first."""
    require_role(who, PLANNERS, "read the plan")
    empty: dict[str, Any] = {
        "generation": 0,
        "at_s": None,
        "converged": False,
        "actions": [],
        "hosts": [],
    }
    return hub.live.last_pass or empty


def journal(hub: Hub, who: OperatorPrincipal, *, after: int, limit: int) -> dict[str, Any]:
    """Return journal lines after a sequence number, oldest first, and where the journal begins and ends."""
    require_role(who, READERS, "read the journal")
    with hub.store.read() as txn:
        lines = list(journal_table.read(txn, after=after, limit=min(limit, PAGE_MAX)))
        head, beginning = journal_table.head(txn), journal_table.beginning(txn)
    return {
        "lines": [plain(each) for each in lines],
        "head": plain(head),
        "beginning": plain(beginning),
    }


def generations(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return applied generations, newest first, without their content."""
    require_role(who, PLANNERS, "read generations")
    with hub.store.read() as txn:
        found = list(generation_table.page(txn))
    return {"generations": [_generation_row(each) for each in found]}


def latest_generation(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return the newest generation with what it desires, and who is in quarantine; number 0: there is none."""
    require_role(who, PLANNERS, "read generations")
    generation = hub.fleet.generation if hub.fleet else None
    with hub.store.read() as txn:
        apart = sorted(quarantined_agents.names(txn))
        kept = workspaces.rows(txn)
    beside = {"installation": hub.installation, "quarantined": apart, "workspaces": kept}
    if generation is None:
        return {"number": 0, "digest": "", "desired": None, **beside}
    return {**_generation_row(generation), "desired": plain(generation.desired), **beside}


def _generation_row(generation: Any) -> dict[str, Any]:
    return {
        "number": generation.number,
        "digest": generation.digest,
        "commit": generation.commit,
        "applied_by": generation.applied_by,
        "applied_at_s": generation.applied_at_s,
        "prune": generation.prune,
    }


def ready(hub: Hub) -> tuple[bool, dict[str, Any]]:
    """Whether the hub takes work now, with the mode and reason."""
    mode_now = hub.mode
    return mode_now.name is ModeName.NORMAL, {
        "ready": mode_now.name is ModeName.NORMAL,
        **modes.as_row(mode_now),
    }


def metrics(hub: Hub) -> str:
    """Return counters in the Prometheus text format."""
    with hub.store.read() as txn:
        counts = task_table.counts(txn)
        living = instances.count_alive(txn)
    lines = ["# TYPE agentctl_tasks gauge"]
    lines += [
        f'agentctl_tasks{{state="{state.value}"}} {counts.get(state.value, 0)}'
        for state in TaskState
    ]
    lines += ["# TYPE agentctl_instances gauge", f"agentctl_instances {living}"]
    lines += ["# TYPE agentctl_mode gauge"]
    lines += [
        f'agentctl_mode{{mode="{each.value}"}} {int(hub.mode.name is each)}' for each in ModeName
    ]
    lines += [
        "# TYPE agentctl_model_calls_open gauge",
        f"agentctl_model_calls_open {len(hub.live.calls)}",
        "# TYPE agentctl_alerts_firing gauge",
        f"agentctl_alerts_firing {len(hub.live.book.firing)}",
    ]
    return "\n".join(lines) + "\n"
