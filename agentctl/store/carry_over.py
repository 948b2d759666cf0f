"""What a restore doesn't take back: who is set apart, what workspaces hold, what is worth nothing any more.

The volumes and containers are as they were before the restore, whatever the backup says of them.
Source: docs/decisions/0035-a-restore-fails-closed.md.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from agentctl.model.chain import Head
from agentctl.model.mode import Order
from agentctl.model.quarantine import Quarantine
from agentctl.model.workspace import Workspace
from agentctl.store import (
    instances,
    journal,
    operator_tokens,
    orders,
    quarantined_agents,
    reading,
    workspaces,
    worst_case,
)
from agentctl.store.txn import Txn

ENDED = "it had ended before the state was restored"


class Kept(StrEnum):
    """What stands over a restore, unless the operator has it forgotten."""

    QUARANTINES = "quarantines"
    WORKSPACES = "workspaces"
    TOKENS = "tokens"
    CONTAINERS = "containers"


ALL = frozenset(Kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What a store that is replaced says: its newest line, and what it knows of these.

    `follows` is whether it is a later one of the same history, so that it knows all that came
    after the backup. `tokens` and `containers` are those that are worth something; `unknown` is
    what an earlier restore took the worst of.
    """

    line: int
    follows: bool
    quarantines: tuple[Quarantine, ...]
    workspaces: tuple[Workspace, ...]
    tokens: frozenset[str]
    containers: frozenset[str]
    order: Order | None
    unknown: frozenset[str]


def of(directory: Path, head: Head) -> Since:
    """Return what the store in `directory` says, whose lock the caller holds.

    `head` is the backup's newest line. Raises AgentctlError where anything of it can't be read.
    """
    with reading.held(directory) as txn:
        return Since(
            line=journal.head(txn).seq,
            follows=_follows(txn, head),
            quarantines=tuple(quarantined_agents.all(txn).values()),
            workspaces=tuple(workspaces.all(txn)),
            tokens=frozenset(each.id for each in operator_tokens.all(txn)),
            containers=frozenset(each.id for each in instances.alive(txn)),
            order=orders.get(txn),
            unknown=worst_case.stands(txn),
        )


def _follows(txn: Txn, head: Head) -> bool:
    """Whether the journal has the backup's newest line, and is whole: nothing else proves it."""
    if head.seq == 0 or journal.verify(txn) is not None:
        return False
    found = journal.read(txn, head.seq - 1, 1)
    return bool(found) and (found[0].seq, found[0].hash) == (head.seq, head.hash)


def put(txn: Txn, since: Since, kept: Set[Kept], *, at_s: float) -> None:
    """Hold the backup's tables to it: nothing of `kept` is more than it was, in either of the two."""
    if Kept.QUARANTINES in kept:
        _set_apart(txn, since)
    if Kept.WORKSPACES in kept:
        _fill(txn, since)
    if Kept.TOKENS in kept:
        _revoke(txn, since)
    if Kept.CONTAINERS in kept:
        _end(txn, since, at_s=at_s)
    if kept:
        worst_case.stand(txn, since.unknown & {each.value for each in kept})
        if since.order is not None:
            orders.tighten(txn, since.order)


def _set_apart(txn: Txn, since: Since) -> None:
    for apart in since.quarantines:
        if quarantined_agents.get(txn, apart.agent) is None:
            quarantined_agents.put(txn, apart)


def _fill(txn: Txn, since: Since) -> None:
    for kept in since.workspaces:
        before = workspaces.get(txn, kept.agent, kept.host, kept.replica) or kept
        served = dict.fromkeys((*before.served, *kept.served))
        pairs = dict.fromkeys((*before.pairs, *kept.pairs))
        workspaces.put(txn, replace(before, served=tuple(served), pairs=tuple(pairs)))


def _revoke(txn: Txn, since: Since) -> None:
    for token in list(operator_tokens.all(txn)):
        if token.id not in since.tokens:
            operator_tokens.delete(txn, token.id)


def _end(txn: Txn, since: Since, *, at_s: float) -> None:
    for each in list(instances.alive(txn)):
        if each.id not in since.containers:
            instances.recycle(txn, each, reason=ENDED, at_s=at_s)
