"""The declared agents as each other's colleagues: what the message router asks of them, compiled once."""

from agentctl.messages import Fellow
from agentctl.model.fleet import DesiredState


def fellows(desired: DesiredState) -> dict[str, Fellow]:
    """Return every agent by name, in order; one whose provider isn't declared may be told nothing."""
    boundaries = {each.name: each.boundary for each in desired.providers}
    once = {spec.name: spec for spec in reversed(desired.agents)}
    return {
        name: Fellow(
            name=name,
            clearance=spec.clearance,
            boundary=boundaries.get(spec.provider, ""),
            capabilities=spec.capabilities,
            labels=spec.labels,
            subscribes=spec.subscribes,
        )
        for name, spec in sorted(once.items())
    }
