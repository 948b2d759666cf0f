"""A page of tasks, as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any
from urllib.parse import urlencode

from agentctl.dashboard import states
from agentctl.dashboard.states import Look
from agentctl.dashboard.visible import short

Row = dict[str, Any]
_FINAL = frozenset({"completed", "failed", "cancelled", "timed_out", "dead"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLine:
    """One task in a table. `why` is why it is where it is, or what went wrong."""

    id: str
    look: Look
    sensitivity: str
    agent: str
    provider: str
    boundary: str
    submitted_s: float
    duration_s: float | None
    cost_usd: float | None
    attempt: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tasks:
    """Lines, the filter that they were found by, and where the next page is ("" on the last)."""

    lines: tuple[TaskLine, ...]
    asked: Mapping[str, Any]
    older: str
    states: tuple[str, ...]
    agents: tuple[str, ...]


def tasks(found: Row, asked: Mapping[str, Any], agents: Sequence[str]) -> Tasks:
    """Return a page of tasks; `asked` has state, agent, label (words name=value) and before."""
    following = {"before": found["next"]} if found["next"] else {}
    older = "?" + urlencode({**given(asked), **following}, doseq=True) if following else ""
    return Tasks(
        lines=tuple(line(each) for each in found["tasks"]),
        asked=asked,
        older=older,
        states=tuple(states.OF_TASKS),
        agents=tuple(agents),
    )


def given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a filter was given, without the place in the list."""
    return {
        name: each for name, each in asked.items() if each and name in ("state", "agent", "label")
    }


def command(asked: Mapping[str, Any]) -> str:
    """Return the command that lists the same tasks."""
    words = ["agentctl", "tasks"]
    for name in ("state", "agent", "label", "before"):
        each = asked.get(name)
        for value in (each,) if isinstance(each, str) else each or ():
            words += [f"--{name}", quote(value)]
    return " ".join(words)


def line(task: Row) -> TaskLine:
    """Return one task's line of its row."""
    tried = task["attempt"] > 1 or (task["attempt"] == 1 and task["state"] == "queued")
    return TaskLine(
        id=task["id"],
        look=states.task(task["state"]),
        sensitivity=task["sensitivity"],
        agent=task["agent"] or "",
        provider=task["provider"] or "",
        boundary=task["boundary"] or "",
        submitted_s=task["submitted_at_s"],
        duration_s=task["duration_s"],
        cost_usd=task["cost_usd"],
        attempt=f"attempt {attempts(task)}" if tried else "",
        why=short(_why(task)),
    )


def attempts(task: Row) -> str:
    """Return which attempt a task is at, of how many; those that its provider ended don't count."""
    return f"{task['attempt']} of {task['max_attempts'] + task['put_off']}"


def _why(task: Row) -> str:
    """Return why a task is held, what went wrong, or by which rule it went where it is."""
    failed = task["error"] and (task["state"] in _FINAL or task["attempt"])
    return str(task["held_reason"] or (task["error"] if failed else "") or task["rule"] or "")
