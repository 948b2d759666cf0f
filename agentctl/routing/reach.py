"""Where work of each level can end up, from the declarations alone, and why.

A container's label is its agent's clearance, fixed at birth: all that leaves it carries that
label, whatever it worked on. So what a message may carry on follows from the files too.
Source: docs/decisions/0016-reviewing-a-change.md.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agentctl.model.fleet import AgentSpec, DesiredState
from agentctl.routing.levels import Levels

SUBMIT, DELEGATE, MESSAGE = "task.submit", "task.delegate", "message.send"


class Possible(Protocol):
    """What the access rules could allow."""

    def ways(self, verb: str, level: str, principal: str, target: str) -> Sequence[str]:
        """Return the rules that could allow it; `principal` "" is anybody."""
        ...

    def alike(self, principal: str) -> Hashable:
        """Return a key that is equal for principals whom the same rules are about."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Work of `level` can get to `name`; `kind` is agent, provider, boundary, destination or role."""

    level: str
    kind: str
    name: str
    why: str


def reach(desired: DesiredState, possible: Possible, readers: Sequence[str]) -> tuple[Reached, ...]:
    """Return every place that work of each level can end up in, levels low to high; pure.

    `possible` answers which rules could allow something; `readers` are the operators' roles
    that are shown prompts and results.
    """
    levels = Levels.of(desired.routing)
    agents = {each.name: each for each in desired.agents}
    found: list[Reached] = []
    for level in levels.names:
        ways = _agents(level, agents, desired, possible, levels)
        found += [
            Reached(level=level, kind="agent", name=name, why=why) for name, why in ways.items()
        ]
        holders = [agents[name] for name in ways]
        found += _providers(level, holders, desired)
        found += _destinations(level, holders, desired, levels)
        if ways:
            found += [
                Reached(level=level, kind="role", name=role, why="is shown prompts and results")
                for role in readers
            ]
    return tuple(found)


def newly(before: Sequence[Reached], after: Sequence[Reached]) -> tuple[Reached, ...]:
    """Return what is reached now and wasn't before, by whatever way."""
    known = {(each.level, each.kind, each.name) for each in before}
    return tuple(each for each in after if (each.level, each.kind, each.name) not in known)


def _agents(
    level: str,
    agents: Mapping[str, AgentSpec],
    desired: DesiredState,
    possible: Possible,
    levels: Levels,
) -> dict[str, str]:
    """Return the agents that work of a level gets to, each with the first way found."""
    boundaries = {each.name: each.boundary for each in desired.providers}
    ways: dict[str, str] = {}
    for name in sorted(agents):
        agent = agents[name]
        rules = possible.ways(SUBMIT, level, "", f"agent:{name}")
        if rules and _may_hold(level, agent, boundaries, levels):
            ways[name] = f"cleared for {agent.clearance}; may be submitted: {', '.join(rules)}"
    waiting, asked = sorted(ways), set()
    while waiting:
        sender = agents[waiting.pop(0)]
        key = (sender.clearance, sender.publishes, possible.alike(f"agent:{sender.name}"))
        if key in asked:
            continue  # one like it was asked already, and got everywhere that this one gets
        asked.add(key)
        for name in sorted(agents.keys() - ways.keys()):
            way = _onward(sender, agents[name], possible, boundaries, levels)
            if way:
                ways[name] = way
                waiting.append(name)
    return dict(sorted(ways.items()))


def _onward(
    sender: AgentSpec,
    receiver: AgentSpec,
    possible: Possible,
    boundaries: Mapping[str, str],
    levels: Levels,
) -> str:
    """Return how a sender's work gets to a receiver, carrying the sender's label; "" if it doesn't."""
    carried = sender.clearance
    if not _may_hold(carried, receiver, boundaries, levels):
        return ""
    for verb, word, target in (
        (MESSAGE, "messages", f"agent:{receiver.name}"),
        (DELEGATE, "tasks", f"agent:{receiver.name}"),
        *((MESSAGE, f"events on {topic}", f"topic:{topic}") for topic in _topics(sender, receiver)),
    ):
        rules = possible.ways(verb, carried, f"agent:{sender.name}", target)
        if rules:
            return (
                f"cleared for {receiver.clearance}; {word} from {sender.name}: {', '.join(rules)}"
            )
    return ""


def _topics(sender: AgentSpec, receiver: AgentSpec) -> Sequence[str]:
    return [each for each in sender.publishes if each in receiver.subscribes]


def _may_hold(level: str, agent: AgentSpec, boundaries: Mapping[str, str], levels: Levels) -> bool:
    boundary = boundaries.get(agent.provider, "")
    return levels.at_most(level, agent.clearance) and levels.may_cross(level, boundary)


def _providers(level: str, agents: Sequence[AgentSpec], desired: DesiredState) -> Iterator[Reached]:
    """Yield the providers that these agents call, then the boundaries that they stand behind."""
    callers: dict[str, list[str]] = {}
    for agent in agents:
        callers.setdefault(agent.provider, []).append(agent.name)
    behind: dict[str, list[str]] = {}
    for provider in desired.providers:
        if provider.name in callers:
            why = f"called by {_some(callers[provider.name])}"
            yield Reached(level=level, kind="provider", name=provider.name, why=why)
            behind.setdefault(provider.boundary, []).append(provider.name)
    limits = dict(desired.routing.boundaries)
    for boundary in sorted(behind):
        why = f"lets {limits.get(boundary, '?')} cross; {_some(behind[boundary])}"
        yield Reached(level=level, kind="boundary", name=boundary, why=why)


def _destinations(
    level: str, agents: Sequence[AgentSpec], desired: DesiredState, levels: Levels
) -> Iterator[Reached]:
    """Yield the destinations that these agents may reach with what they hold."""
    for destination in desired.destinations:
        reaching = [
            each.name
            for each in agents
            if destination.name in each.egress
            and levels.may_cross(each.clearance, destination.boundary)
        ]
        if reaching:
            why = f"reached by {_some(reaching)}, across boundary {destination.boundary}"
            yield Reached(level=level, kind="destination", name=destination.name, why=why)


NAMES_SHOWN_MAX = 5


def _some(names: Sequence[str]) -> str:
    """Return names for a person; of many, the first and how many more."""
    more = len(names) - NAMES_SHOWN_MAX
    shown = ", ".join(names[:NAMES_SHOWN_MAX])
    return f"{shown} and {more} more" if more > 0 else shown
