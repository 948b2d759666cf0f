"""Agents: known names, clearance within the boundary, isolation, the same facts on every host."""

from collections.abc import Iterator

from agentctl.config.finding import Finding
from agentctl.config.references.budgets import budget
from agentctl.config.references.known import (
    Known,
    at_agent,
    duplicates,
    error,
    unknown,
    warning,
)
from agentctl.model.fleet import AgentSpec, DesiredState, Isolation, Lifecycle

FACTS = (
    *("provider", "clearance", "capabilities", "lifecycle"),
    *("egress", "subscribes", "publishes", "labels", "budget"),
)
PUBLIC = "public"  # the boundary whose level is what anybody outside may see


def agents(desired: DesiredState, known: Known) -> Iterator[Finding]:
    if not desired.agents:
        yield warning(
            "no-agents", "no agent is declared", ("fleet",), suggestion="declare one in playbooks/"
        )
    yield from duplicates("host", (("host", each.name) for each in desired.hosts))
    yield from duplicates("agent", (("agent", each.name, each.host) for each in desired.agents))
    first: dict[str, AgentSpec] = {}
    for agent in desired.agents:
        yield from _agent(agent, known)
        yield from _same_facts(agent, first.setdefault(agent.name, agent))


def _agent(agent: AgentSpec, known: Known) -> Iterator[Finding]:
    at = ("agent", agent.name, agent.host)
    if agent.host not in known.hosts:
        yield unknown("host", agent.host, known.hosts, (*at, "host"))
    if agent.clearance not in known.height:
        yield unknown("level", agent.clearance, known.height, (*at, "clearance"))
    provider = known.providers.get(agent.provider)
    if provider is None:
        yield unknown("provider", agent.provider, known.providers, (*at, "provider"))
    elif known.above(agent.clearance, provider.boundary):
        most = known.boundaries[provider.boundary]
        yield error(
            "clearance-above-boundary",
            f"agent {agent.name!r} is cleared for {agent.clearance}, but its provider"
            f" {provider.name!r} is across boundary {provider.boundary}, which {most} is the"
            " highest to cross",
            (*at, "clearance"),
            expected=f"{most} or lower",
            found=agent.clearance,
            suggestion=f"lower the clearance to {most}, or choose a provider across another boundary",
        )
    yield from _egress(agent, known)
    yield from _process_engine(agent, known)
    yield from _warm(agent)
    yield from budget(agent, provider)


def _egress(agent: AgentSpec, known: Known) -> Iterator[Finding]:
    """What an agent holds is of its clearance, so that is what would cross on the way out."""
    at = (*at_agent(agent), "egress")
    for name in agent.egress:
        destination = known.destinations.get(name)
        if destination is None:
            yield unknown("destination", name, known.destinations, at)
        elif known.above(agent.clearance, destination.boundary):
            most = known.boundaries[destination.boundary]
            yield error(
                "clearance-above-boundary",
                f"agent {agent.name!r} is cleared for {agent.clearance}, but the destination"
                f" {name!r} is across boundary {destination.boundary}, which {most} is the highest"
                " to cross",
                at,
                expected=f"destinations that {agent.clearance} may go to",
                found=name,
                suggestion=f"lower the clearance to {most}, or leave {name} out",
            )


def _process_engine(agent: AgentSpec, known: Known) -> Iterator[Finding]:
    """Processes of one machine see each other: only what anybody outside may see runs there."""
    host = known.hosts.get(agent.host)
    if host is None or host.isolation is Isolation.NONE or host.engine_url != "process:":
        return
    if agent.clearance not in known.height:
        return
    most = known.boundaries.get(PUBLIC, "")
    if most in known.height and not known.above(agent.clearance, PUBLIC):
        return
    yield error(
        "clearance-without-isolation",
        f"agent {agent.name!r} is cleared for {agent.clearance}, but host {host.name!r} runs"
        " agents as plain processes, without isolation",
        (*at_agent(agent), "clearance"),
        expected=f"{most} or lower" if most else "a host with a container engine",
        found=agent.clearance,
        suggestion=f"use a container engine, or write `isolation: none` into the variables of {host.name}",
    )


def _warm(agent: AgentSpec) -> Iterator[Finding]:
    """Warm containers are ephemeral ones, and count among those that may live at once."""
    if agent.warm == 0:
        return
    if agent.lifecycle is not Lifecycle.EPHEMERAL:
        yield error(
            "bad-combination",
            f"agent {agent.name!r}: warm is for lifecycle ephemeral; a persistent agent's"
            " containers stand ready anyway",
            (*at_agent(agent), "warm"),
            expected="lifecycle: ephemeral, or no warm",
            found=str(agent.warm),
        )
    elif not 0 < agent.warm <= agent.replicas:
        yield error(
            "bad-value",
            f"agent {agent.name!r}: warm must be at most replicas ({agent.replicas}), how many may"
            " live at once",
            (*at_agent(agent), "warm"),
            expected=f"0 to {agent.replicas}",
            found=str(agent.warm),
        )


def _same_facts(agent: AgentSpec, first: AgentSpec) -> Iterator[Finding]:
    """Routing picks an agent, not a host: what it reads must be the same everywhere."""
    for fact in FACTS:
        here, there = getattr(agent, fact), getattr(first, fact)
        if here != there:
            yield error(
                "facts-differ",
                f"agent {agent.name!r} has another {fact} on host {agent.host!r} than on"
                f" {first.host!r}; routing picks an agent, so it must be the same on all its hosts",
                (*at_agent(agent), fact),
                expected=str(there),
                found=str(here),
                suggestion="give the two different names",
            )
