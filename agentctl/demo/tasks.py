"""The three tasks of the demo, and where each may go."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTask:
    """A task to submit. `boundaries` are those it may cross; `canary` stands in its prompt and nowhere else."""

    title: str
    body: dict[str, Any]
    boundaries: frozenset[str]
    canary: str


def three_tasks() -> tuple[DemoTask, ...]:
    """Return one confidential task, one that wants deep reasoning, one that says nothing of its level."""
    return (
        _task(
            "confidential",
            "Summarise the attached incident report in one sentence.",
            {"sensitivity": "confidential"},
            frozenset({"private"}),
        ),
        _task(
            "internal, deep reasoning",
            "Find the flaw in this cache invalidation scheme.",
            {"sensitivity": "internal", "capabilities": ["deep-reasoning"]},
            frozenset({"private", "public"}),
        ),
        _task(
            "unlabelled bulk",
            "Sort these tickets by component.",
            {"labels": {"bulk": "true"}},
            frozenset({"private"}),
        ),
    )


def _task(title: str, prompt: str, extra: dict[str, Any], boundaries: frozenset[str]) -> DemoTask:
    canary = f"canary-{secrets.token_hex(8)}"
    body = {"prompt": f"{prompt} [{canary}]", **extra}
    return DemoTask(title=title, body=body, boundaries=boundaries, canary=canary)


def wrong_with(task: DemoTask, row: dict[str, Any], public_saw: str) -> str:
    """Return how a task went where it may not, "" when it didn't.

    `public_saw` is all that the public stand-in was sent.
    """
    if row["boundary"] is not None and row["boundary"] not in task.boundaries:
        return f"crossed boundary {row['boundary']}"
    if "public" not in task.boundaries and task.canary in public_saw:
        return "its prompt was seen at the public model"
    return ""


def failed_with(row: dict[str, Any]) -> str:
    """Return why a task didn't complete, "" when it did."""
    if row["state"] == "completed":
        return ""
    return f"{row['state']}: {row['error'] or row['held_reason'] or 'no reason given'}"


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what to say of a demo that didn't go right, "" of one that did.

    Each row has `wrong` and `failed`, as the report has them.
    """
    wrong = sum(1 for row in rows if row["wrong"])
    failed = sum(1 for row in rows if row["failed"])
    if wrong:
        return f"{wrong} of the demo's {len(rows)} tasks went where they may not"
    if failed:
        return f"{failed} of the demo's {len(rows)} tasks failed; none went where it may not"
    return ""
