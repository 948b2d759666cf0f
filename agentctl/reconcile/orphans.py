"""Containers of ours that the hub has no record of: condemned only when seen twice, a grace apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentctl.model.instance import ObservedState


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """When each container without a record was first seen (monotonic seconds)."""

    first_seen_s: Mapping[str, float] = field(default_factory=dict)

    def scanned(
        self,
        observed: ObservedState,
        *,
        known: frozenset[str],
        installation: str,
        now_s: float,
    ) -> "Orphans":
        """Return the orphans after one more scan; who got a record, or went, is forgotten.

        An unreachable host tells nothing: its orphans are forgotten too, and start anew.
        """
        seen = {
            container.id
            for host in observed.hosts
            for container in host.containers
            if container.installation == installation and container.instance not in known
        }
        return Orphans(first_seen_s={each: self.first_seen_s.get(each, now_s) for each in seen})

    def condemned(self, *, grace_s: float, now_s: float) -> frozenset[str]:
        """Return the container ids that stayed without a record for `grace_s`."""
        return frozenset(
            each for each, since_s in self.first_seen_s.items() if now_s - since_s >= grace_s
        )
