"""The first page: does the fleet work, what needs a person, what is held and why, where labelled work is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from agentctl.dashboard import agents, sparkline, spoken, states, tasks
from agentctl.dashboard.agents import AgentLine
from agentctl.dashboard.alerts import Need, needs
from agentctl.dashboard.sparkline import Bar
from agentctl.dashboard.states import Look
from agentctl.dashboard.tasks import TaskLine

Row = dict[str, Any]
AGENTS_MAX = 24  # of the first page: those in trouble first
NEEDS_MAX = 12
REASONS_MAX = 5
REASON_CHARS = 160  # as the service cuts them
DAY_S = 86400.0
HELD = "tasks-held"  # the alert whose words a section of its own says in full


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Work of one level that is under way, and behind which boundary it is at work."""

    name: str
    held: int
    queued: int
    at_work: int
    where: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What the first page shows. `verdict` is the one sentence, `kind` its colour and sign."""

    verdict: str
    look: Look
    mode: Row
    needs: tuple[Need, ...]
    needs_more: int
    counts: Row
    containers: tuple[tuple[Look, int], ...]
    ended: str
    bars: tuple[Bar, ...]
    cost: str
    cost_since: str
    cost_since_s: float
    held: tuple[tuple[int, str], ...]
    held_oldest_s: float | None
    levels: tuple[Level, ...]
    whole: bool
    agents: tuple[AgentLine, ...]
    agents_more: int
    latest: tuple[TaskLine, ...]
    hosts: tuple[Row, ...]
    generation: Row | None
    converged: bool | None


def overview(status: Row, found: Row, board: Row, latest: Row, *, now_s: float) -> Overview:
    """Return the first page of the services' rows: status, agents, board, newest tasks."""
    wanted = needs(status["alerts"])
    listed = tuple(each for each in wanted if each.check != HELD or not board["held"])
    some = agents.agents(found, most=AGENTS_MAX)
    minutes = [tuple(each) for each in board["minutes"]]
    truncated = board["cost_since_s"] > now_s // DAY_S * DAY_S
    look, verdict = _verdict(status, wanted)
    return Overview(
        verdict=verdict,
        look=look,
        mode=status["mode"],
        needs=listed[:NEEDS_MAX],
        needs_more=max(len(listed) - NEEDS_MAX, 0),
        counts=status["tasks"],
        containers=tuple(_containers(found)),
        ended=_ended(minutes),
        bars=tuple(sparkline.bars(minutes)),
        cost=spoken.money(board["cost_usd"]),
        cost_since="since" if truncated else "today, UTC",
        cost_since_s=board["cost_since_s"] if truncated else 0.0,
        held=tuple(_reasons(board["held"])),
        held_oldest_s=board["held_oldest_s"],
        levels=tuple(_level(each) for each in board["levels"]),
        whole=board["whole"],
        agents=some.lines,
        agents_more=some.more,
        latest=tuple(tasks.line(each) for each in latest["tasks"]),
        hosts=tuple(status["hosts"]),
        generation=status["generation"],
        converged=status["converged"],
    )


def _verdict(status: Row, wanted: tuple[Need, ...]) -> tuple[Look, str]:
    """Return the sentence that an eye takes in first, worst first."""
    mode = status["mode"]
    if mode["mode"] != "normal":
        why = f": {mode['reason']}" if mode["reason"] else ""
        return states.mode(mode["mode"]), f"{mode['mode'].capitalize()}{why}"
    urgent = sum(1 for each in wanted if each.look.kind == "bad")
    if urgent:
        verb = "needs" if urgent == 1 else "need"
        return states.alert("critical", "firing"), f"{spoken.many(urgent, 'thing')} {verb} you now"
    if wanted:
        return states.alert(
            "warning", "firing"
        ), f"Works; {spoken.many(len(wanted), 'thing')} to look at"
    if status["generation"] is None:
        return states.mode("normal"), "Up, and nothing is applied yet"
    return states.mode("normal"), "All is well"


def _containers(found: Row) -> Iterator[tuple[Look, int]]:
    """Yield each look that containers have, with how many have it; what is missing last."""
    lines = [agents.line(each, found) for each in found["agents"]]
    counts: dict[Look, int] = {}
    for each in lines:
        for one in each.boxes:
            counts[one.look] = counts.get(one.look, 0) + 1
    yield from sorted(counts.items(), key=lambda each: -each[1])
    missing = sum(each.missing for each in lines)
    if missing:
        yield Look("◌", "bad", "missing"), missing


def _ended(minutes: list[tuple[int, ...]]) -> str:
    completed, others = sum(each[0] for each in minutes), sum(each[1] for each in minutes)
    otherwise = f", {spoken.count(others)} not completed" if others else ""
    return f"{spoken.count(completed)} completed{otherwise}"


def _reasons(held: Row) -> Iterator[tuple[int, str]]:
    ordered = sorted(held.items(), key=lambda each: -each[1])
    for why, count in ordered[:REASONS_MAX]:
        yield count, f"{why}…" if len(why) >= REASON_CHARS else why
    rest = sum(count for _, count in ordered[REASONS_MAX:])
    if rest:
        yield rest, "of other reasons"


def _level(level: Row) -> Level:
    where = [
        f"{each['tasks']} at {each['provider']} ({each['boundary']})" for each in level["where"]
    ]
    return Level(
        name=level["level"],
        held=level["held"],
        queued=level["queued"],
        at_work=level["at_work"],
        where=tuple(where),
    )
