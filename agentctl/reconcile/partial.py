"""A part of the files over what is applied: what `--limit` and `--tags` leave out stays as it is.

Source: docs/decisions/0016-reviewing-a-change.md.
"""

import dataclasses
from collections.abc import Set
from dataclasses import dataclass
from typing import TypeVar

from agentctl.model.fleet import AgentSpec, DesiredState, Host, Provider
from agentctl.model.instance import ObservedState

Named = TypeVar("Named", Host, Provider)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was selected: `hosts` None is all of them; `by_tags` that agents were chosen by tags too."""

    hosts: frozenset[str] | None = None
    by_tags: bool = False

    def includes(self, agent: AgentSpec, chosen: Set[tuple[str, str]]) -> bool:
        """Whether the selection speaks of an applied agent, be it to take it out.

        `chosen` are the (host, name) that the selected files declare.
        """
        if (agent.host, agent.name) in chosen:
            return True
        # What isn't declared any more has no tags to be chosen by.
        return not self.by_tags and (self.hosts is None or agent.host in self.hosts)


def merged(
    applied: DesiredState, selected: DesiredState, part: Part
) -> tuple[DesiredState, tuple[str, ...]]:
    """Return the selected declarations over the applied fleet, and notes on what waits for the rest.

    Agents outside the selection stay as applied, and with them the hosts and providers they
    use, the levels, routes, rules and times: so nothing changes outside.
    """
    chosen = {(each.host, each.name) for each in selected.agents}
    kept = [each for each in applied.agents if not part.includes(each, chosen)]
    agents = sorted((*selected.agents, *kept), key=lambda each: (each.host, each.name))
    hosts, hosts_waiting = _over(applied.hosts, selected.hosts, {each.host for each in kept})
    providers, waiting = _over(
        applied.providers, selected.providers, {each.provider for each in kept}
    )
    notes = [
        f"host {name} stays as applied: agents outside the selection use it"
        for name in hosts_waiting
    ]
    notes += [
        f"provider {name} stays as applied: agents outside the selection use it" for name in waiting
    ]
    notes += [
        f"{field} stays as applied: it is not part of the selection"
        for field in ("routing", "access", "monitoring")
        if getattr(applied, field) != getattr(selected, field)
    ]
    whole = dataclasses.replace(
        applied, fleet=selected.fleet, hosts=hosts, agents=tuple(agents), providers=providers
    )
    return whole, tuple(notes)


def _over(
    applied: tuple[Named, ...], selected: tuple[Named, ...], used: set[str]
) -> tuple[tuple[Named, ...], list[str]]:
    """Return the selected values over the applied ones, and whose change waits because it is used."""
    values: dict[str, Named] = {}
    for each in applied + selected:
        values[each.name] = each
    waiting = []
    for each in applied:
        if each.name in used and values[each.name] != each:
            waiting.append(each.name)
            values[each.name] = each
    return tuple(values[name] for name in sorted(values)), waiting


def within(observed: ObservedState, selected: DesiredState) -> ObservedState:
    """Return what is seen of the selected agents alone, where nobody can say what is applied."""
    places = {(each.host, each.name) for each in selected.agents}
    return ObservedState(
        hosts=tuple(
            dataclasses.replace(
                host,
                containers=tuple(
                    each for each in host.containers if (host.name, each.agent) in places
                ),
            )
            for host in observed.hosts
        )
    )
