"""What a changed declaration permits that wasn't permitted before, in words for a review.

Each function takes a declaration before and after (None: not there) and returns the reasons
why it widens; where it can't be told that a change is narrower, it counts as wider.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from agentctl.model.budget import Budget, written
from agentctl.model.fleet import (
    AccessRule,
    AgentSpec,
    Destination,
    Effect,
    Host,
    Isolation,
    Opa,
    Price,
    Provider,
    Routing,
)
from agentctl.model.rules import covers
from agentctl.model.week import spoken


def nothing(_before: Any, _after: Any) -> tuple[str, ...]:
    """A preference widens nothing: routing chooses among those who may anyway."""
    return ()


def host(before: Host | None, after: Host | None) -> tuple[str, ...]:
    if after is None:
        return ()
    found = []
    if after.isolation is Isolation.NONE and (
        before is None or before.isolation is not after.isolation
    ):
        found.append("isolation: none, so agents there are kept apart by nobody")
    if before is not None and before.engine_url != after.engine_url == "process:":
        found.append("its agents run as plain processes")
    return tuple(found)


def agent(
    before: AgentSpec | None, after: AgentSpec | None, levels: Sequence[str]
) -> tuple[str, ...]:
    if after is None:
        return ()
    known = {each.name for each in before.secrets} if before else set()
    found = [
        f"secret {each.name} is given to it" for each in after.secrets if each.name not in known
    ]
    found += _more(before, after)
    if before is not None:
        found += _spends(before.budget, after.budget)
    if before is not None and _rank(levels, after.clearance) > _rank(levels, before.clearance):
        found.insert(0, f"clearance raised from {before.clearance} to {after.clearance}")
    return tuple(found)


def _more(before: AgentSpec | None, after: AgentSpec) -> Iterator[str]:
    """Yield what an agent may reach, say and hear that it couldn't before."""
    for words, field in (
        ("may reach destination", "egress"),
        ("may publish topic", "publishes"),
        ("hears topic", "subscribes"),
    ):
        known = getattr(before, field) if before else ()
        for name in getattr(after, field):
            if name not in known:
                yield f"{words} {name}"


def _spends(before: Budget, after: Budget) -> Iterator[str]:
    """Yield which bounds on what its tasks spend were raised, or are gone."""
    for field in ("usd", "tokens", "turns"):
        old, new = getattr(before, field), getattr(after, field)
        if old is not None and new is None:
            yield f"budget: its tasks are no longer bound to {written(old)} {field}"
        elif old is not None and new > old:
            yield f"budget raised from {written(old)} to {written(new)} {field}"


def destination(before: Destination | None, after: Destination | None) -> tuple[str, ...]:
    if after is None:
        return ()
    hosts, networks = (before.hosts, before.networks) if before else ((), ())
    found = [
        f"{host}:{port} may be reached" for host, port in after.hosts if (host, port) not in hosts
    ]
    found += [
        f"addresses in {each} may be reached" for each in after.networks if each not in networks
    ]
    if before is not None and before.boundary != after.boundary:
        found.append(f"boundary changed from {before.boundary} to {after.boundary}")
    return tuple(found)


def opa(before: Opa, after: Opa) -> tuple[str, ...]:
    if before.enabled and not after.enabled:
        return ("OPA no longer narrows what the rules allow",)
    if before.enabled and (before.url, before.path) != (after.url, after.path):
        return ("OPA is asked elsewhere: what it refused may be allowed",)
    return ()


def provider(before: Provider | None, after: Provider | None) -> tuple[str, ...]:
    if before is None or after is None:
        return ()
    found = []
    if before.boundary != after.boundary:
        found.append(f"boundary changed from {before.boundary} to {after.boundary}")
    if before.base_url != after.base_url:
        found.append("what its agents send goes to another address")
    if before.price is not None and _cheaper(before.price, after.price):
        found.append("its price is lower or gone: budgets in dollars go further")
    return tuple(found)


def _cheaper(before: Price, after: Price | None) -> bool:
    kinds = ("input", "output", "cache_read", "cache_write")
    return after is None or any(getattr(after, kind) < getattr(before, kind) for kind in kinds)


def routing(before: Routing, after: Routing) -> tuple[str, ...]:
    old, found = dict(before.boundaries), []
    for boundary, limit in after.boundaries:
        if boundary not in old:
            found.append(f"a new boundary {boundary}, which {limit} may cross")
        elif _rank(after.levels, limit) > _rank(after.levels, old[boundary]):
            found.append(f"boundary {boundary} lets {limit} cross, it was {old[boundary]}")
    if _rank(after.levels, after.default) < _rank(after.levels, before.default):
        found.append(f"unlabelled work counts as {after.default}, it was {before.default}")
    kept = [each for each in before.levels if each in after.levels]
    if kept != [each for each in after.levels if each in kept]:
        found.append("the order of the levels changed")
    return tuple(found)


def rule(before: AccessRule | None, after: AccessRule | None) -> tuple[str, ...]:
    found = []
    if (
        before is not None
        and before.effect is Effect.DENY
        and (after is None or after.effect is Effect.ALLOW or not covers(after, before))
    ):
        found.append(f"no longer denies all of {_words(before)}")
    if after is not None and after.effect is Effect.ALLOW:
        old = before if before is not None and before.effect is Effect.ALLOW else None
        if old is None or not covers(old, after):
            found.append(f"allows {_words(after)}")
    return tuple(found)


def _words(of: AccessRule) -> str:
    said = f"{of.verb} from {of.principal} to {of.target}"
    for what, values in (("types", of.types), ("levels", of.levels)):
        said += f", {what} {', '.join(values)}" if values else ""
    return said if of.window is None else f"{said}, {spoken(of.window)}"


def _rank(levels: Sequence[str], level: str) -> int:
    """Return a level's place, 0 the lowest; past the end when unknown."""
    return levels.index(level) if level in levels else len(levels)
