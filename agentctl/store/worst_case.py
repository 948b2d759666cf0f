"""What a restore takes for granted when nobody can say what came after the backup: the worst.

Every agent may have been set apart, every workspace may hold anything, every token may have been
revoked, every container may have ended. What is declared before the fleet is resumed counts
among these: it may be older than it looks.
Source: docs/decisions/0035-a-restore-fails-closed.md.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace

from agentctl.model.fleet import AgentSpec, Lifecycle
from agentctl.model.journal import Entry
from agentctl.model.quarantine import Quarantine
from agentctl.model.workspace import ANYTHING, Workspace
from agentctl.store import (
    generations,
    instances,
    journal,
    meta,
    operator_tokens,
    quarantined_agents,
    workspaces,
)
from agentctl.store.txn import Txn

_STANDS = "unknown_since_restore"
WHY = "the state was restored, and whether it had been quarantined since can't be known"
ENDED = "the state was restored, and whether it had ended since can't be known"

Place = tuple[str, str, int]  # agent, host, replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """How much of each was taken at its worst."""

    quarantines: int = 0
    workspaces: int = 0
    tokens: int = 0
    containers: int = 0


def take(txn: Txn, what: Set[str], *, who: str, at_s: float) -> Taken:
    """Take the worst of all that the tables know, of `what` (fields of Taken); journal it."""
    stand(txn, what)
    specs = [spec for each in _generations(txn) for spec in each]
    agents = {spec.name for spec in specs} | {each.agent for each in instances.all(txn)}
    places = {*_places(specs), *(_at(each) for each in workspaces.all(txn))}
    return Taken(
        quarantines=_set_apart(txn, agents, who=who, at_s=at_s) if "quarantines" in what else 0,
        workspaces=_fill(txn, places) if "workspaces" in what else 0,
        tokens=_revoke(txn, who=who, at_s=at_s) if "tokens" in what else 0,
        containers=_end(txn, at_s=at_s) if "containers" in what else 0,
    )


def take_new(txn: Txn, declared: Iterable[AgentSpec], *, who: str, at_s: float) -> Taken:
    """Take the worst of agents and workspaces that no generation declared before, while it stands.

    It is called before the generation that declares them is added.
    """
    what, specs = stands(txn), list(declared)
    if not what:
        return Taken()
    known = {spec.name for each in _generations(txn) for spec in each}
    new = {spec.name for spec in specs} - known
    unseen = {each for each in _places(specs) if _workspace(txn, each) is None}
    return Taken(
        quarantines=_set_apart(txn, new, who=who, at_s=at_s) if "quarantines" in what else 0,
        workspaces=_fill(txn, unseen) if "workspaces" in what else 0,
    )


def stand(txn: Txn, what: Set[str]) -> None:
    """Remember of what the worst is taken, until `lift`."""
    if what:
        meta.put(txn, _STANDS, " ".join(sorted(what)))


def stands(txn: Txn) -> frozenset[str]:
    """Return of what the worst is taken now."""
    return frozenset((meta.get(txn, _STANDS) or "").split())


def lift(txn: Txn) -> bool:
    """From now on what is declared is new; what was taken stays. Return whether it stood."""
    return meta.delete(txn, _STANDS)


def _generations(txn: Txn) -> Iterator[tuple[AgentSpec, ...]]:
    for number in range(1, generations.latest_number(txn) + 1):
        generation = generations.get(txn, number)
        assert generation is not None  # they are numbered without gaps
        yield generation.desired.agents


def _places(specs: Iterable[AgentSpec]) -> Iterator[Place]:
    for spec in specs:
        if spec.lifecycle is Lifecycle.PERSISTENT:
            yield from ((spec.name, spec.host, replica) for replica in range(spec.replicas))


def _at(kept: Workspace) -> Place:
    return kept.agent, kept.host, kept.replica


def _workspace(txn: Txn, place: Place) -> Workspace | None:
    return workspaces.get(txn, *place)


def _set_apart(txn: Txn, agents: Iterable[str], *, who: str, at_s: float) -> int:
    apart = quarantined_agents.names(txn)
    new = sorted(set(agents) - apart)
    for agent in new:
        quarantined_agents.put(txn, Quarantine(agent=agent, who=who, why=WHY, since_s=at_s))
        _note(txn, "agent.quarantined", agent, who=who, at_s=at_s, why=WHY)
    return len(new)


def _fill(txn: Txn, places: Iterable[Place]) -> int:
    new = 0
    for agent, host, replica in sorted(places):
        before = _workspace(txn, (agent, host, replica))
        kept = before or Workspace(agent=agent, host=host, replica=replica)
        if ANYTHING not in kept.served:
            workspaces.put(txn, replace(kept, served=(*kept.served, ANYTHING)))
            new += 1
    return new


def _revoke(txn: Txn, *, who: str, at_s: float) -> int:
    found = list(operator_tokens.all(txn))
    for each in found:
        operator_tokens.delete(txn, each.id)
        facts = {"name": each.name, "role": each.role.value}
        _note(txn, "token.revoked", each.id, who=who, at_s=at_s, **facts)
    return len(found)


def _end(txn: Txn, *, at_s: float) -> int:
    found = list(instances.alive(txn))
    for each in found:
        instances.recycle(txn, each, reason=ENDED, at_s=at_s)
    return len(found)


def _note(txn: Txn, kind: str, subject: str, *, who: str, at_s: float, **facts: str) -> None:
    journal.append(txn, Entry(kind=kind, who=who, subject=subject, facts=facts), at_s=at_s)
