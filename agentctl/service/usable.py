"""Providers that have no key, as the gateway finds: their work is held, and people are told."""

from collections.abc import Mapping
from typing import Any

from agentctl.model.digest import plain
from agentctl.monitor.checks.keys import CHECK, PREFIX
from agentctl.service.context import Hub
from agentctl.service.reroute import reroute


def told(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Take what the gateway found of a generation's keys; return the providers to look at.

    What was found of another generation says nothing about this one. Work waits, or goes on,
    as soon as something changed.
    """
    fleet = hub.fleet
    if fleet is None:
        return {"generation": 0, "providers": []}
    generation = fleet.generation
    found = {each["provider"]: each["why"] for each in body["unusable"]}
    if body["generation"] == generation.number:
        if found != hub.live.unusable:
            _take(hub, found)
        hub.live.keys_looked_at = generation.number
    return {
        "generation": generation.number,
        "providers": [plain(each) for each in generation.desired.providers],
    }


def _take(hub: Hub, found: Mapping[str, str]) -> None:
    """Hold or release work by what was found; raises what the store does, and then nothing counts."""
    before, hub.live.unusable = hub.live.unusable, found
    hub.live.checked_s = None  # the checks are due: an alert begins or ends
    try:
        reroute(hub)
    except BaseException:
        hub.live.unusable = before  # so that the gateway's next word is news again
        raise


def of_declared(hub: Hub) -> Mapping[str, str]:
    """Return why each declared provider that has no key has none."""
    declared = hub.fleet.generation.desired.providers if hub.fleet else ()
    names = {each.name for each in declared}
    return {name: why for name, why in hub.live.unusable.items() if name in names}


def load(hub: Hub) -> None:
    """Take up what the alerts that were kept say, until the gateway has looked: work stays held."""
    hub.live.unusable = {
        each.subject: each.words.removeprefix(PREFIX)
        for each in hub.live.book.firing
        if each.check == CHECK
    }
