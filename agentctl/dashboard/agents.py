"""Agents and their containers: how each stands, and the ones in trouble first."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentctl.dashboard import spoken, states, tasks
from agentctl.dashboard.states import Look
from agentctl.dashboard.tasks import TaskLine

Row = dict[str, Any]
SHOWN_MAX = 200  # on one page; a filter finds the rest
NOTHING_WRONG: Row = {"unusable": {}, "away": {}}  # where nothing is said of providers


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One container. `since_s` is when it entered its state, `replica` tells it from its fellows."""

    id: str
    look: Look
    container: str
    replica: int
    host: str
    label: str
    provider: str
    boundary: str
    task: str
    note: str
    since_s: float | None
    seen_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLine:
    """One agent on one host: what it may, what there is of it, `missing` of those it should have.

    `wanted` goes on from a number: " of 2", or ", up to 4" of an ephemeral one.
    """

    name: str
    host: str
    provider: str
    boundary: str
    clearance: str
    capabilities: tuple[str, ...]
    lifecycle: str
    image: str
    wanted: str
    running: int
    queued: int
    boxes: tuple[Box, ...]
    missing: int
    tasks: tuple[str, ...]
    quarantined: Row | None
    unusable: str
    away: str

    @property
    def trouble(self) -> bool:
        """Whether a person should look at it."""
        return bool(self.quarantined or self.missing or self.unusable or self.away)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """One agent: its line on each host with what the files say there, its containers, its tasks."""

    name: str
    lines: tuple[AgentLine, ...]
    declared: tuple[tuple[tuple[str, str], ...], ...]
    gone: tuple[Box, ...]
    workspaces: tuple[Row, ...]
    current: tuple[TaskLine, ...]
    last: tuple[TaskLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """Some agents of all; `more` aren't shown."""

    lines: tuple[AgentLine, ...]
    more: int
    find: str


def agents(found: Row, *, find: str = "", most: int = SHOWN_MAX) -> Agents:
    """Return the agents whose name, host, provider or capability has `find` in it."""
    lines = [line(each, found) for each in found["agents"] if _has(each, find)]
    lines.sort(key=lambda each: (not each.trouble, -each.queued, each.name, each.host))
    return Agents(lines=tuple(lines[:most]), more=max(len(lines) - most, 0), find=find)


def one(found: Row) -> AgentView:
    """Return one agent's view of its row."""
    return AgentView(
        name=found["name"],
        lines=tuple(line(each, NOTHING_WRONG) for each in found["declared"]),
        declared=tuple(tuple(_facts(each)) for each in found["declared"]),
        gone=tuple(box(each) for each in found["gone"]),
        workspaces=tuple(found["workspaces"]),
        current=tuple(tasks.line(each) for each in found["current"]),
        last=tuple(tasks.line(each) for each in found["last"]),
    )


def _facts(declared: Row) -> Iterator[tuple[str, str]]:
    """Yield what the files say of an agent on one host; a secret by its name alone."""
    resources = declared["resources"]
    yield "host", declared["host"]
    yield "provider", f"{declared['provider']} (boundary {declared['boundary']})"
    yield "cleared for", declared["clearance"]
    yield "capabilities", ", ".join(declared["capabilities"]) or "–"
    yield "lifecycle", f"{declared['lifecycle']}, {declared['replicas']} at the most"
    yield "executor", declared["executor"]
    yield "image", declared["image"]
    yield "may use", f"{resources['cpus']:g} × CPU, {spoken.size(resources['memory_bytes'])}"
    yield "lives", f"{spoken.duration(declared['ttl_s'])} at the most"
    yield "secrets", ", ".join(declared["secrets"]) or "–"


def line(agent: Row, found: Row) -> AgentLine:
    """Return one agent's line of its row; `found` says why providers can't be used."""
    boxes = tuple(box(each) for each in agent["instances"])
    steady = agent["lifecycle"] == "persistent"
    missing = agent["replicas"] - agent["running"] if steady and not agent["quarantined"] else 0
    return AgentLine(
        name=agent["name"],
        host=agent["host"],
        provider=agent["provider"],
        boundary=agent["boundary"],
        clearance=agent["clearance"],
        capabilities=tuple(agent["capabilities"]),
        lifecycle=agent["lifecycle"],
        image=agent["image"],
        wanted=f" of {agent['replicas']}" if steady else f", up to {agent['replicas']}",
        running=agent["running"],
        queued=agent["queued"],
        boxes=boxes,
        missing=max(missing, 0),
        tasks=tuple(each.task for each in boxes if each.task),
        quarantined=agent["quarantined"],
        unusable=found["unusable"].get(agent["provider"], ""),
        away=found["away"].get(agent["provider"], ""),
    )


def box(instance: Row) -> Box:
    """Return one container of its row."""
    state = instance["state"]
    look = states.container(state, works=bool(instance["task"]), draining=instance["draining"])
    return Box(
        id=instance["id"],
        look=look,
        container=_short(instance["container"]),
        replica=instance["replica"],
        host=instance["host"],
        label=instance["label"],
        provider=instance["provider"],
        boundary=instance["boundary"],
        task=instance["task"] or "",
        note=instance["reason"] or ("warm" if instance["warm"] else ""),
        since_s=instance["states"].get(state),
        seen_s=instance["last_seen_s"],
    )


def _has(agent: Row, find: str) -> bool:
    words = (agent["name"], agent["host"], agent["provider"], *agent["capabilities"])
    return any(find in each for each in words)


def _short(container: str) -> str:
    """Return a container's id as its engine shows it: Docker's in 12 digits."""
    return container[:12] if len(container) == 64 else container
