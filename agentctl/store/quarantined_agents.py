"""Table quarantined_agents: the agents that operators have set apart; it outlives generations and restarts."""

from agentctl.model.quarantine import Quarantine
from agentctl.store import keys
from agentctl.store.codec import Codec, decoded
from agentctl.store.txn import Table, Txn

_quarantines = Codec(Table.QUARANTINED_AGENTS, Quarantine)


def put(txn: Txn, quarantine: Quarantine) -> None:
    """Set an agent apart, in place of what was on record of it."""
    key = keys.text(quarantine.agent)
    txn.put(Table.QUARANTINED_AGENTS, key, _quarantines.encode(quarantine))


def get(txn: Txn, agent: str) -> Quarantine | None:
    """Return an agent's quarantine, or None."""
    key = keys.text(agent)
    return decoded(_quarantines, key, txn.get(Table.QUARANTINED_AGENTS, key))


def all(txn: Txn) -> dict[str, Quarantine]:  # noqa: A001 read as quarantined_agents.all(txn)
    """Return every quarantine by its agent's name, in order."""
    found = (_quarantines.decode(key, value) for key, value in txn.scan(Table.QUARANTINED_AGENTS))
    return {each.agent: each for each in found}


def names(txn: Txn) -> frozenset[str]:
    """Return the names of the agents set apart: none, nearly always."""
    return frozenset(all(txn))


def delete(txn: Txn, agent: str) -> bool:
    """Forget an agent's quarantine; return whether there was one."""
    return txn.delete(Table.QUARANTINED_AGENTS, keys.text(agent))
