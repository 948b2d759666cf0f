"""Which providers nobody can use, once the gateway has looked at the keys that a generation needs."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from agentctl.errors import AgentctlError
from agentctl.model.fleet import DesiredState

if TYPE_CHECKING:
    from agentctl.client import Hub

LOOKED_WITHIN_S = 3.0  # the gateway looks every two seconds; without a gateway nobody will say
POLL_S = 0.2


def unusable(
    hub: "Hub",
    desired: DesiredState,
    generation: int,
    *,
    now_s: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Mapping[str, str]:
    """Return why each provider of an applied generation that has no key has none.

    Waits until the gateway has looked at this generation, LOOKED_WITHIN_S at most; asks nothing
    where no key is declared. What can't be asked is left out: the generation is applied whatever comes.
    """
    if all(each.api_key is None for each in desired.providers):
        return {}
    until_s = now_s() + LOOKED_WITHIN_S
    while True:
        try:
            found = hub.get("/api/hub/status")
        except AgentctlError:
            return {}
        if found["keys_looked_at"] >= generation or now_s() >= until_s:
            return dict(found["unusable"])
        wait(POLL_S)


def notes(
    unusable: Mapping[str, str], away: Mapping[str, str] = MappingProxyType({})
) -> tuple[str, ...]:
    """Return a note on each that has no key or is away: for people, and no error."""
    keyless = tuple(
        f"provider {name} is unusable: {why}; work for its agents is held"
        for name, why in sorted(unusable.items())
    )
    return keyless + tuple(
        f"provider {name} is {why}; work for its agents is held"
        for name, why in sorted(away.items())
    )
