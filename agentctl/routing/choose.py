"""Task and candidates to the agent that gets it, or why none may.

An agent may take a task when its clearance and its provider's boundary are at or above
the task's label, it has every capability asked for, policy allows it, and it is the one
the submitter named if one was named. Among those the first matching route's preference
decides, then the lowest sufficient clearance, then the least load, then the name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agentctl.model.fleet import Route
from agentctl.routing.levels import Levels

RULE_NAMED = "named by the submitter"
RULE_LOWEST = "lowest sufficient clearance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a task asks of an agent. `level` is its label in force."""

    level: str
    capabilities: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()
    agent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An agent as routing sees it. `barred` is what else speaks against it ("" for nothing)."""

    name: str
    provider: str
    boundary: str
    clearance: str
    capabilities: frozenset[str] = frozenset()
    load: int = 0
    barred: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    agent: str
    provider: str
    boundary: str
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRoute:
    """Why nobody may take it: one sentence, then each agent's own reason.

    `waits` is whether somebody may, once something has passed: a quarantine, a missing key.
    """

    reason: str
    by_agent: tuple[tuple[str, str], ...] = ()
    waits: bool = False


def choose(
    wanted: Wanted, candidates: Sequence[Candidate], routes: Sequence[Route], levels: Levels
) -> Chosen | NoRoute:
    """Pick the agent for a task. Pure: the same arguments give the same answer."""
    reasons = [(each, against(wanted, each, levels)) for each in candidates]
    fit = [each for each, reason in reasons if not reason]
    if not fit:
        return _nobody(wanted, [(each.name, reason) for each, reason in reasons])
    chosen, rule = _preferred(wanted, fit, routes, levels)
    if wanted.agent is not None:
        rule = RULE_NAMED
    return Chosen(agent=chosen.name, provider=chosen.provider, boundary=chosen.boundary, rule=rule)


def against(wanted: Wanted, candidate: Candidate, levels: Levels) -> str:
    """Return why this agent may not take the task, "" when it may. Asked again at every hand-out."""
    if wanted.agent is not None and candidate.name != wanted.agent:
        return f"the submitter named {wanted.agent}"
    if not levels.at_most(wanted.level, candidate.clearance):
        return f"cleared for {candidate.clearance}, the task is {wanted.level}"
    if not levels.may_cross(wanted.level, candidate.boundary):
        return f"{wanted.level} may not cross boundary {candidate.boundary}"
    missing = sorted(wanted.capabilities - candidate.capabilities)
    if missing:
        return f"lacks {', '.join(missing)}"
    return candidate.barred


def matches(route: Route, wanted: Wanted) -> bool:
    """Whether a route's conditions all hold for the task (a route without conditions always does)."""
    return (
        set(route.capabilities) <= wanted.capabilities
        and set(route.labels) <= set(wanted.labels)
        and (not route.levels or wanted.level in route.levels)
    )


def _preferred(
    wanted: Wanted, fit: Sequence[Candidate], routes: Sequence[Route], levels: Levels
) -> tuple[Candidate, str]:
    for route in routes:
        if not matches(route, wanted):
            continue
        for provider in route.prefer:
            served = [each for each in fit if each.provider == provider]
            if served:
                return _least(served, levels), route.name
        break  # the first matching route decides; what it prefers may not take this task
    return _least(fit, levels), RULE_LOWEST


def _least(fit: Sequence[Candidate], levels: Levels) -> Candidate:
    return min(fit, key=lambda each: (levels.rank(each.clearance), each.load, each.name))


def _nobody(wanted: Wanted, reasons: Sequence[tuple[str, str]]) -> NoRoute:
    if not reasons:
        return NoRoute(reason="no agent is declared")
    asked = f" with {', '.join(sorted(wanted.capabilities))}" if wanted.capabilities else ""
    each = "; ".join(f"{name}: {reason}" for name, reason in reasons)
    return NoRoute(
        reason=f"no agent may take {wanted.level} work{asked} ({each})", by_agent=tuple(reasons)
    )
