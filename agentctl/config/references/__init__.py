"""Whether a fleet holds together: names that must exist, and levels that must not cross.

Pure and position-free: the loader asks it about files, the hub asks it again about what is
to be applied, whoever sends it. Findings name their `subject`; the loader knows its place.
"""

from agentctl.config.finding import Finding
from agentctl.config.references.access import access, monitoring
from agentctl.config.references.agents import agents
from agentctl.config.references.destinations import destinations
from agentctl.config.references.forms import forms
from agentctl.config.references.known import Known
from agentctl.config.references.opa import opa
from agentctl.config.references.providers import levels, providers
from agentctl.config.references.routes import routes
from agentctl.config.references.topics import topics
from agentctl.config.references.watching import watching
from agentctl.model.fleet import DesiredState

__all__ = ["check"]


def check(desired: DesiredState) -> tuple[Finding, ...]:
    """Return all that doesn't hold together in a fleet, errors and warnings; nothing if all does."""
    known = Known(
        providers={each.name: each for each in desired.providers},
        hosts={each.name: each for each in desired.hosts},
        height={name: height for height, name in enumerate(desired.routing.levels)},
        boundaries=dict(desired.routing.boundaries),
        destinations={each.name: each for each in desired.destinations},
        published=frozenset(topic for each in desired.agents for topic in each.publishes),
        subscribed=frozenset(topic for each in desired.agents for topic in each.subscribes),
    )
    return (
        *forms(desired),
        *levels(desired, known),
        *providers(desired, known),
        *destinations(desired, known),
        *agents(desired, known),
        *topics(desired, known),
        *routes(desired, known),
        *access(desired, known),
        *opa(desired),
        *monitoring(desired),
        *watching(desired),
    )
