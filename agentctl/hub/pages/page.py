"""The table of pages: each a path, what may be asked of it, and one function from services' rows to a view."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from agentctl.dashboard import agents, alerts, decisions, overview, reach, task, tasks
from agentctl.hub import decisions as decision_routes
from agentctl.hub import operators
from agentctl.hub.query import Parameter
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import alerts as alert_service
from agentctl.service import board, registry, views
from agentctl.service import decisions as decision_service
from agentctl.service import reach as reach_service
from agentctl.service.roles import sees_content

if TYPE_CHECKING:
    from agentctl.service.context import Hub

LATEST = 8  # tasks on the first page
PAGE = 50  # tasks, or decisions, on a page of their own
AGENTS_OFFERED_MAX = 500  # in the filter of tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a page, checked: by whom, which one of its kind, with what filter."""

    hub: "Hub"
    who: OperatorPrincipal
    path: Mapping[str, str]
    query: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a page shows, and the command that shows the same."""

    view: Any
    command: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page. `also` is what it hangs on beside the hub's stamp."""

    path: str
    template: str
    title: str
    show: Callable[[Asked], Shown]
    query: tuple[Parameter, ...] = ()
    also: Callable[[Asked], object] = lambda _: None


def show_overview(asked: Asked) -> Shown:
    """Mode, what needs a person, queue, agents, labelled work, cost."""
    hub, who = asked.hub, asked.who
    found = overview.overview(
        views.status(hub, who),
        registry.agents(hub, who),
        board.board(hub, who),
        _page_of_tasks(asked, {}, limit=LATEST),
        now_s=hub.clock.wall_s(),
    )
    return Shown(view=found, command="agentctl status")


def show_tasks(asked: Asked) -> Shown:
    """A page of tasks by state, agent and label."""
    rows = _page_of_tasks(asked, asked.query, limit=PAGE)
    declared = sorted(asked.hub.fleet.agents)[:AGENTS_OFFERED_MAX] if asked.hub.fleet else []
    view = tasks.tasks(rows, asked.query, declared)
    return Shown(view=view, command=tasks.command(asked.query))


def _page_of_tasks(asked: Asked, query: Mapping[str, Any], *, limit: int) -> dict[str, Any]:
    return views.tasks(
        asked.hub,
        asked.who,
        state=query.get("state"),
        agent=query.get("agent"),
        label=query.get("label") or (),
        since=None,
        limit=limit,
        before=query.get("before"),
    )


def show_task(asked: Asked) -> Shown:
    """One task: its life, its route and why, its use and, for a role that may see it, what came out."""
    row = views.task(asked.hub, asked.path["task"], asked.who)
    decision = decision_service.one(asked.hub, asked.who, row["decision"] or "")
    view = task.task(row, decision, content=sees_content(asked.who))
    return Shown(view=view, command=f"agentctl task show {row['id']}", title=row["id"])


def show_agents(asked: Asked) -> Shown:
    """Agents with their containers."""
    rows = registry.agents(asked.hub, asked.who)
    find = asked.query["find"] or ""
    return Shown(view=agents.agents(rows, find=find), command="agentctl agents")


def show_agent(asked: Asked) -> Shown:
    """One agent: its declaration, its containers, its tasks."""
    row = registry.agent(asked.hub, asked.path["agent"], asked.who)
    name = row["name"]
    return Shown(view=agents.one(row), command=f"agentctl agent show {quote(name)}", title=name)


def show_reach(asked: Asked) -> Shown:
    """Where work of each level can end up, by what is applied."""
    found = reach_service.applied(asked.hub, asked.who)
    return Shown(view=reach.reach(found), command="agentctl policy reach --applied")


def show_decisions(asked: Asked) -> Shown:
    """What policy and routing answered."""
    said, before = asked.query["allowed"], asked.query["before"]
    found = decision_service.page(
        asked.hub,
        asked.who,
        allowed=None if said is None else said == "true",
        limit=PAGE,
        before=before,
    )
    view = decisions.decisions(found, said or "")
    return Shown(view=view, command=decisions.command(said or "", before))


def show_alerts(asked: Asked) -> Shown:
    """Alerts that fire, or all."""
    every = asked.query["all"] == "true"
    found = alert_service.show(asked.hub, asked.who, every=every)
    view = {"needs": alerts.needs(found["alerts"]), "every": every}
    return Shown(view=view, command="agentctl alerts --all" if every else "agentctl alerts")


def _progress(asked: Asked) -> object:
    return asked.hub.live.progress.get(asked.path["task"], {}).get("number")


_FILTERS = {each.name: each for each in operators.TASKS_QUERY}

PAGES: tuple[Page, ...] = (
    Page(path="/", template="overview", title="Overview", show=show_overview),
    Page(
        path="/tasks",
        template="tasks",
        title="Tasks",
        show=show_tasks,
        query=tuple(_FILTERS[name] for name in ("state", "agent", "label", "before")),
    ),
    Page(path="/tasks/{task}", template="task", title="Task", show=show_task, also=_progress),
    Page(
        path="/agents",
        template="agents",
        title="Agents",
        show=show_agents,
        query=(
            Parameter(
                name="find", kind="string", about="In a name.", pattern=r"[^\x00-\x1f]{0,80}"
            ),
        ),
    ),
    Page(path="/agents/{agent}", template="agent", title="Agent", show=show_agent),
    Page(path="/reach", template="reach", title="Reach", show=show_reach),
    Page(
        path="/decisions",
        template="decisions",
        title="Decisions",
        show=show_decisions,
        query=(decision_routes.ALLOWED, decision_routes.BEFORE),
    ),
    Page(
        path="/alerts",
        template="alerts",
        title="Alerts",
        show=show_alerts,
        query=operators.ALERTS_QUERY,
    ),
)
