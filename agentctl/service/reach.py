"""Where work of each level can end up: asked of a fleet's declarations, and of what is applied."""

from typing import TYPE_CHECKING, Any

from agentctl.model.digest import plain
from agentctl.model.fleet import DesiredState
from agentctl.model.principal import OperatorPrincipal
from agentctl.policy.possible import Possible
from agentctl.routing.reach import Reached, reach
from agentctl.service.roles import OPERATORS, PLANNERS, require_role

if TYPE_CHECKING:
    from agentctl.service.context import Hub

_NOTHING: dict[str, Any] = {"agents": {}, "providers": {}, "destinations": {}}


def reach_of(desired: DesiredState) -> tuple[Reached, ...]:
    """Return where work of each level can end up, from the declarations alone."""
    readers = sorted(role.value for role in OPERATORS)
    return reach(desired, Possible(desired.access), readers)


def applied(hub: "Hub", who: OperatorPrincipal) -> dict[str, Any]:
    """Return the same of the applied generation, with its levels low to high and its agents' facts.

    Worked out once for each generation: nothing but the declarations goes into it.
    """
    require_role(who, PLANNERS, "read what is declared")
    if hub.fleet is None:
        return {"generation": 0, "levels": [], "rows": [], **_NOTHING}
    generation = hub.fleet.generation
    kept = hub.live.reached
    if kept is None or kept[0] != generation.number:
        kept = (generation.number, reach_of(generation.desired))
        hub.live.reached = kept
    desired = generation.desired
    return {
        "generation": generation.number,
        "levels": list(desired.routing.levels),
        "rows": [plain(each) for each in kept[1]],
        "agents": {
            each.name: {"provider": each.provider, "egress": list(each.egress)}
            for each in desired.agents
        },
        "providers": {each.name: each.boundary for each in desired.providers},
        "destinations": {each.name: each.boundary for each in desired.destinations},
    }
