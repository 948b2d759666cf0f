"""What a restore doesn't take back: who is set apart, and what workspaces came to hold since the backup.

The volumes and containers are as they were before the restore, whatever the backup says of them.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from agentctl.model.quarantine import Quarantine
from agentctl.model.workspace import Workspace
from agentctl.store import quarantined_agents, reading, workspaces
from agentctl.store.txn import Txn


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What a store that is replaced says of these."""

    quarantines: tuple[Quarantine, ...] = ()
    workspaces: tuple[Workspace, ...] = ()


def of(directory: Path) -> Since:
    """Return what the store in `directory` says. Raises AgentctlError where it can't be read."""
    with reading.opened(directory) as txn:
        return Since(
            quarantines=tuple(quarantined_agents.all(txn).values()),
            workspaces=tuple(workspaces.all(txn)),
        )


def put(txn: Txn, since: Since) -> None:
    """Add it to what the backup says: a quarantine stands, a workspace may hold what either has."""
    for apart in since.quarantines:
        if quarantined_agents.get(txn, apart.agent) is None:
            quarantined_agents.put(txn, apart)
    for kept in since.workspaces:
        before = workspaces.get(txn, kept.agent, kept.host, kept.replica) or kept
        served = dict.fromkeys((*before.served, *kept.served))
        pairs = dict.fromkeys((*before.pairs, *kept.pairs))
        workspaces.put(txn, replace(before, served=tuple(served), pairs=tuple(pairs)))
