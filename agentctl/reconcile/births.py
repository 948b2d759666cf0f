"""What a container was born with, found again by the spec hash on its label."""

from collections.abc import Mapping
from dataclasses import dataclass

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


def declared_births(desired: DesiredState) -> tuple[Born, ...]:
    """Return the birth of every declared agent, in the order of the declaration."""
    providers = {each.name: each for each in desired.providers}
    return tuple(
        Born(spec=spec, provider=provider, hash=spec_hash(spec, provider))
        for spec in desired.agents
        if (provider := providers.get(spec.provider)) is not None
    )
