"""What a container was born with, found again by the spec hash on its label."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agentctl.model.digest import spec_hash
from agentctl.model.fleet import AgentSpec, DesiredState, Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Born:
    """An agent's spec with its provider: all that is fixed at a container's birth."""

    spec: AgentSpec
    provider: Provider
    hash: str


def births(desired: DesiredState) -> Mapping[str, Born]:
    """Return each agent's birth by its spec hash.

    Of agents that differ in nothing a container is born with there is one entry.
    An agent of an unknown provider has none: validation refused it already.
    """
    return {born.hash: born for born in declared_births(desired)}


def born_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Born]:
    """Return births as the hub tells them, `{"spec": …, "provider": …}`, by spec hash.

    Raises msgspec.ValidationError.
    """
    import msgspec  # only where a hub is asked

    found = {}
    for row in rows:
        spec = msgspec.convert(row["spec"], AgentSpec)
        provider = msgspec.convert(row["provider"], Provider)
        hashed = spec_hash(spec, provider)
        found[hashed] = Born(spec=spec, provider=provider, hash=hashed)
    return found


def declared_births(desired: DesiredState) -> tuple[Born, ...]:
    """Return the birth of every declared agent, in the order of the declaration."""
    providers = {each.name: each for each in desired.providers}
    return tuple(
        Born(spec=spec, provider=provider, hash=spec_hash(spec, provider))
        for spec in desired.agents
        if (provider := providers.get(spec.provider)) is not None
    )
