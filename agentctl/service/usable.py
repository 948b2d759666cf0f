"""Providers that can't be used, as the gateway finds: their work is held, and people are told."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentctl.model.away import Away, Cause
from agentctl.model.digest import plain
from agentctl.monitor.checks.keys import CHECK, PREFIX
from agentctl.service.context import Hub
from agentctl.service.reroute import reroute

AGENTS_NAMED_MAX = 2  # of a provider's troubles in one line: they are alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Providers without a key, and why; and those that are away, by provider and agent."""

    unusable: Mapping[str, str]
    away: Mapping[tuple[str, str], Away]

    @property
    def essence(self) -> tuple[object, object]:
        """What has work go through all that waits when it changes: not a time that is a rounding off."""
        rows = {key: replace(each, until_s=None) for key, each in self.away.items()}
        return self.unusable, rows


def told(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Take what the gateway found of a generation's providers; return the providers to look at.

    What was found of another generation says nothing about this one. Work waits, or goes on,
    as soon as something changed. `away` in the answer is what a gateway that just started takes up.
    """
    fleet = hub.fleet
    if fleet is None:
        return {"generation": 0, "providers": [], "away": []}
    generation = fleet.generation
    found = Found(
        unusable={each["provider"]: each["why"] for each in body["unusable"]},
        away={row.key: row for row in map(_away, body.get("away", ()))},
    )
    if body["generation"] == generation.number:
        if found.essence != Found(unusable=hub.live.unusable, away=hub.live.away).essence:
            _take(hub, found)
        hub.live.keys_looked_at = generation.number
    return {
        "generation": generation.number,
        "providers": [plain(each) for each in generation.desired.providers],
        "away": [plain(each) for each in hub.live.away.values()],
    }


def _away(row: Mapping[str, Any]) -> Away:
    return Away(
        provider=row["provider"],
        agent=row["agent"],
        cause=Cause(row["cause"]),
        why=row["why"],
        trial=row["trial"],
        until_s=row["until_s"],
    )


def _take(hub: Hub, found: Found) -> None:
    """Hold or release work by what was found; raises what the store does, and then nothing counts."""
    live = hub.live
    before = Found(unusable=live.unusable, away=live.away)
    tried = {key for key, each in found.away.items() if each.trial}
    live.unusable, live.away = found.unusable, found.away
    live.trials = {key: task for key, task in live.trials.items() if key in tried}
    live.checked_s = None  # the checks are due: an alert begins or ends
    try:
        reroute(hub)
    except BaseException:
        # so that the gateway's next word is news again
        live.unusable, live.away = before.unusable, before.away
        raise


def of_declared(hub: Hub) -> Mapping[str, str]:
    """Return why each declared provider that has no key has none."""
    declared = hub.fleet.generation.desired.providers if hub.fleet else ()
    names = {each.name for each in declared}
    return {name: why for name, why in hub.live.unusable.items() if name in names}


def away_of_declared(hub: Hub) -> dict[str, str]:
    """Return what keeps work from each declared provider that is away, in words for operators."""
    declared = hub.fleet.generation.desired.providers if hub.fleet else ()
    names = {each.name for each in declared}
    said: dict[str, list[str]] = {}
    for (name, _), row in sorted(hub.live.away.items()):
        if name in names:
            said.setdefault(name, []).append(row.words)
    return {name: _together(each) for name, each in said.items()}


def _together(words: list[str]) -> str:
    more = len(words) - AGENTS_NAMED_MAX
    return "; ".join(words[:AGENTS_NAMED_MAX]) + (f"; and {more} more" if more > 0 else "")


def load(hub: Hub) -> None:
    """Take up what the alerts that were kept say, until the gateway has looked: work stays held."""
    hub.live.unusable = {
        each.subject: each.words.removeprefix(PREFIX)
        for each in hub.live.book.firing
        if each.check == CHECK
    }
