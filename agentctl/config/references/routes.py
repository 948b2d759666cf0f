"""Routes: each prefers what exists, can be served by somebody, and isn't shadowed by an earlier one."""

from collections.abc import Iterable, Iterator

from agentctl.config.finding import Finding, did_you_mean, listed
from agentctl.config.references.known import Known, duplicates, error, unknown, warning
from agentctl.model.fleet import AgentSpec, DesiredState, Route


def routes(desired: DesiredState, known: Known) -> Iterator[Finding]:
    yield from duplicates("route", (("route", each.name) for each in desired.routing.routes))
    earlier: list[Route] = []
    for route in desired.routing.routes:
        at = ("route", route.name)
        missing = [name for name in route.prefer if name not in known.providers]
        for name in missing:
            yield unknown("provider", name, known.providers, (*at, "prefer"))
        for level in route.levels:
            if level not in known.height:
                yield unknown("level", level, known.height, (*at, "levels"))
        if not missing and desired.agents and not _servable(route, desired.agents, known):
            yield _unservable(route, desired.agents)
        for each in earlier:
            if _covers(each, route):
                yield warning(
                    "shadowed-route",
                    f"route {route.name!r} never matches: all it would take, {each.name!r} takes before",
                    at,
                    suggestion="put it before the other, or remove it",
                )
                break
        earlier.append(route)


def _servable(route: Route, agents: Iterable[AgentSpec], known: Known) -> bool:
    """Whether some agent takes what the route matches, as far as is known.

    One whose provider isn't known has its own finding, and may be the one that was meant.
    """
    lowest = min((known.height[each] for each in route.levels if each in known.height), default=0)
    return any(
        (agent.provider in route.prefer or agent.provider not in known.providers)
        and set(route.capabilities) <= set(agent.capabilities)
        and known.height.get(agent.clearance, lowest) >= lowest
        for agent in agents
    )


def _unservable(route: Route, agents: Iterable[AgentSpec]) -> Finding:
    offered = {name for agent in agents for name in agent.capabilities}
    lacking = [name for name in route.capabilities if name not in offered]
    hint = did_you_mean(lacking[0], offered) if lacking else ""
    wants = f" with {listed(route.capabilities)}" if route.capabilities else ""
    return error(
        "unservable-route",
        f"no agent can serve route {route.name!r}",
        ("route", route.name, "prefer"),
        expected=f"an agent{wants} on {listed(route.prefer)}",
        found="none",
        suggestion=hint or "declare such an agent, or remove the route",
    )


def _covers(earlier: Route, later: Route) -> bool:
    """Whether every task that `later` matches is already matched by `earlier`."""
    return (
        set(earlier.capabilities) <= set(later.capabilities)
        and set(earlier.labels) <= set(later.labels)
        and (
            not earlier.levels or (bool(later.levels) and set(later.levels) <= set(earlier.levels))
        )
    )
