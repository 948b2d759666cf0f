"""One task: its life as steps, where it went and why, what it used, what came out."""

from collections.abc import Iterator
from dataclasses import dataclass
from json import dumps
from typing import Any

from agentctl.dashboard import spoken, tasks
from agentctl.dashboard.tasks import TaskLine

Row = dict[str, Any]
FINAL = frozenset({"completed", "failed", "cancelled", "timed_out", "dead"})

# Event → what it reads as, and its kind.
_WORDS = {
    "submitted": ("submitted", "wait"),
    "delegated": ("delegated by another task", "wait"),
    "held": ("held", "hold"),
    "queued": ("queued", "wait"),
    "withdrawn": ("withdrawn from its agent", "hold"),
    "put_off": ("put off: its provider is away", "hold"),
    "leased": ("handed to an agent", "run"),
    "accepted": ("begun", "run"),
    "completed": ("completed", "ok"),
    "failed": ("failed", "bad"),
    "failed_retryable": ("this attempt failed", "bad"),
    "expired": ("lost: its agent went silent", "bad"),
    "deadline": ("its time was up", "bad"),
    "dead": ("given up: no attempt is left", "bad"),
    "cancelled": ("cancelled", "off"),
    "declassified": ("its label was lowered", "hold"),
    "declassify_refused": ("a lower label was refused", "bad"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One happening: when, what, its kind (the stylesheet's), and how long after the one before."""

    at_s: float
    words: str
    kind: str
    detail: str
    later: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """All that a page shows of a task. `content` is whether prompt and result may be seen by who asks."""

    row: Row
    line: TaskLine
    progress: str
    steps: tuple[Step, ...]
    decision: Row | None
    content: bool
    result_text: str
    result_structured: str
    facts: tuple[tuple[str, str], ...]
    usage: tuple[tuple[str, str], ...]
    acts: tuple[str, ...]


def task(row: Row, decision: Row | None, *, content: bool) -> TaskView:
    """Return the view of a task's row, with the decision that routed it where that is known."""
    result = row["result"] or {}
    structured = result.get("structured")
    return TaskView(
        row=row,
        line=tasks.line(row),
        progress=_progress(row["progress"] or {}),
        steps=tuple(_steps(row["events"])),
        decision=decision,
        content=content,
        result_text=result.get("text") or "",
        result_structured=""
        if structured is None
        else dumps(structured, indent=2, ensure_ascii=False),
        facts=tuple((name, value) for name, value in _facts(row) if value),
        usage=tuple((name, value) for name, value in _usage(row) if value not in ("", "0")),
        acts=_acts(row),
    )


def _progress(said: Row) -> str:
    """Return how far a task is, as its agent last said; any of it may be missing."""
    told = [
        spoken.many(said["turns"], "turn") if said.get("turns") else "",
        spoken.many(said["tools"], "tool call") if said.get("tools") else "",
        str(said.get("note") or ""),
    ]
    return " · ".join(each for each in told if each)


def _steps(events: list[Row]) -> Iterator[Step]:
    before_s: float | None = None
    attempt = 0
    for each in events:
        attempt += each["event"] == "leased"
        words, kind = _WORDS.get(each["event"], (each["event"].replace("_", " "), "wait"))
        gap_s = each["at_s"] - before_s if before_s is not None else 0.0
        yield Step(
            at_s=each["at_s"],
            words=words,
            kind=kind,
            detail=each["detail"],
            later=f"+{spoken.duration(gap_s)}" if before_s is not None else "",
            attempt=attempt if each["event"] == "leased" else 0,
        )
        before_s = each["at_s"]


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    declared = "" if row["declared"] else " (the default: it said nothing)"
    yield "sensitivity", f"{row['sensitivity']}{declared}"
    yield "rule", row["rule"] or ""
    yield "provider", row["provider"] or ""
    yield "boundary", row["boundary"] or ""
    yield "container", (row["container"] or "")[:12]
    yield "instance", row["instance"] or ""
    yield "attempt", tasks.attempts(row)
    yield "took", spoken.duration(row["duration_s"]) if row["duration_s"] is not None else ""
    yield "submitted by", row["submitted_by"]
    yield "capabilities", ", ".join(row["capabilities"])
    yield "labels", ", ".join(f"{name}={value}" for name, value in row["labels"].items())
    yield "priority", str(row["priority"]) if row["priority"] else ""
    yield "generation", str(row["generation"] or "")


def _usage(row: Row) -> Iterator[tuple[str, str]]:
    used, budget = row["usage"], row["budget"]
    yield "cost", _of(spoken.money(row["cost_usd"]), budget["usd"], spoken.money)
    tokens = used["input_tokens"] + used["output_tokens"]
    yield "tokens", _of(spoken.count(tokens), budget["tokens"], spoken.count)
    yield "in", spoken.count(used["input_tokens"])
    yield "out", spoken.count(used["output_tokens"])
    yield "from cache", spoken.count(used["cache_read_tokens"])
    yield "model calls", spoken.count(used["calls"])
    turns = (row["result"] or {}).get("turns")
    yield "turns", _of(str(turns), budget["turns"], str) if turns else ""


def _of(used: str, bound: Any, spoken_as: Any) -> str:
    return used if bound is None else f"{used} of {spoken_as(bound)}"


def _acts(row: Row) -> tuple[str, ...]:
    proof = f"agentctl journal --filter subject={row['id']}"  # refusals too
    if row["state"] in FINAL:
        return (f"agentctl task retry {row['id']}", proof)
    goes_on = f"agentctl task events {row['id']} --follow"
    return (f"agentctl task cancel {row['id']}", goes_on, proof)
