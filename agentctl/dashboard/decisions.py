"""Decisions as lines: who may do what to whom, by which rule, and why."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from agentctl.dashboard import states
from agentctl.dashboard.states import Look
from agentctl.dashboard.visible import short

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLine:
    """One answer of policy or routing."""

    id: str
    at_s: float
    look: Look
    verb: str
    principal: str
    target: str
    level: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """Lines, which were asked for ("", "true", "false"), and where the next page is ("" on the last)."""

    lines: tuple[DecisionLine, ...]
    allowed: str
    older: str


def decisions(found: Row, allowed: str) -> Decisions:
    """Return a page of decisions."""
    asked = {"allowed": allowed} if allowed else {}
    older = "?" + urlencode({**asked, "before": found["next"]}) if found["next"] else ""
    return Decisions(
        lines=tuple(line(each) for each in found["decisions"]), allowed=allowed, older=older
    )


def line(decided: Row) -> DecisionLine:
    """Return one decision's line of its row."""
    return DecisionLine(
        id=decided["id"],
        at_s=decided["at_s"],
        look=states.answer(allowed=decided["allowed"]),
        verb=decided["verb"],
        principal=decided["principal"],
        target=decided["target"],
        level=decided["level"],
        rule=decided["rule"],
        reason=short(decided["reason"]),
    )


def command(allowed: str, before: str | None) -> str:
    """Return the command that lists the same."""
    which = {"true": " --allowed", "false": " --refused"}.get(allowed, "")
    return f"agentctl decisions{which}" + (f" --before {before}" if before else "")
