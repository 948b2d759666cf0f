"""A provider that can't be used now, for all agents or for one: what the gateway tells the hub."""

from dataclasses import dataclass
from enum import StrEnum


class Cause(StrEnum):
    """What keeps work from a provider; the values stand on the wire (schemas/api/providers)."""

    UNREACHABLE = "unreachable"
    FAILING = "failing"
    KEY = "key"
    QUOTA = "quota"


_SAID = {
    Cause.UNREACHABLE: "can't be reached",
    Cause.FAILING: "fails its calls",
    Cause.KEY: "refuses its key",
    Cause.QUOTA: "has no quota left for it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """One provider's trouble. `agent` is whose work waits, "" for everybody's.

    `why` is for operators: it may name an address. With `trial` one task may go through, to see
    whether it is over. `until_s` is wall clock, where the provider said when to ask again.
    """

    provider: str
    agent: str
    cause: Cause
    why: str
    trial: bool = False
    until_s: float | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Provider and agent, by which one trouble is told from another."""
        return self.provider, self.agent

    @property
    def words(self) -> str:
        """What operators read."""
        whose = f" for {self.agent}" if self.agent else ""
        return f"away{whose}: {self.why}"


def spoken(provider: str, cause: Cause) -> str:
    """Return what an agent may read: no address, no time, so that it doesn't change at each look."""
    return f"provider {provider} {_SAID[cause]}"
