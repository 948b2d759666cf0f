"""Table meta: a few short texts by name (schema version, the mode set by hand, the journal's head)."""

from agentctl.store import keys
from agentctl.store.txn import Table, Txn


def get(txn: Txn, name: str) -> str | None:
    """Return the text kept under `name`, or None."""
    value = txn.get(Table.META, keys.text(name))
    return None if value is None else value.decode()


def put(txn: Txn, name: str, text: str) -> None:
    """Keep `text` under `name`."""
    txn.put(Table.META, keys.text(name), text.encode())


def delete(txn: Txn, name: str) -> bool:
    """Forget `name`; return whether it was known."""
    return txn.delete(Table.META, keys.text(name))
