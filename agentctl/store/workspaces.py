"""Table workspaces: what each kept workspace may hold, by host, agent and replica."""

from collections.abc import Iterator
from dataclasses import replace

from agentctl.model.instance import Instance
from agentctl.model.workspace import Workspace
from agentctl.store import keys
from agentctl.store.codec import Codec, decoded
from agentctl.store.txn import Table, Txn

_workspaces = Codec(Table.WORKSPACES, Workspace)


def get(txn: Txn, agent: str, host: str, replica: int) -> Workspace | None:
    """Return what is known of a replica's workspace, or None."""
    key = _key(agent, host, replica)
    return decoded(_workspaces, key, txn.get(Table.WORKSPACES, key))


def put(txn: Txn, workspace: Workspace) -> None:
    """Store a workspace, new or changed."""
    key = _key(workspace.agent, workspace.host, workspace.replica)
    txn.put(Table.WORKSPACES, key, _workspaces.encode(workspace))


def all(txn: Txn) -> Iterator[Workspace]:  # noqa: A001 read as workspaces.all(txn)
    """Yield every workspace, by agent, host and replica."""
    return (_workspaces.decode(key, value) for key, value in txn.scan(Table.WORKSPACES))


def of(txn: Txn, agent: str) -> list[Workspace]:
    """Return an agent's workspaces."""
    found = txn.scan(Table.WORKSPACES, keys.text(agent))
    return [_workspaces.decode(key, value) for key, value in found]


def serve(txn: Txn, instance: Instance) -> None:
    """Remember that a workspace is about to serve a container; an ephemeral one keeps none."""
    if instance.ephemeral:
        return
    at = (instance.agent, instance.host, instance.replica)
    before = get(txn, *at) or Workspace(
        agent=instance.agent, host=instance.host, replica=instance.replica
    )
    served = (*before.served, instance.label)
    pairs = (*before.pairs, (instance.label, instance.boundary))
    after = replace(before, served=tuple(dict.fromkeys(served)), pairs=tuple(dict.fromkeys(pairs)))
    if after != before:
        put(txn, after)


def _key(agent: str, host: str, replica: int) -> bytes:
    return keys.text(agent, host, str(replica))
