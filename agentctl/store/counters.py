"""Table counters: how many records are in some condition, kept right in the transaction that changes it."""

from collections.abc import Iterator

from agentctl.store import keys
from agentctl.store.txn import Table, Txn


def add(txn: Txn, name: tuple[str, ...], by: int) -> None:
    """Add `by` to the counter `name`; one that comes to 0 is not kept."""
    key = keys.text(*name)
    value = _value(txn.get(Table.COUNTERS, key)) + by
    if value:
        txn.put(Table.COUNTERS, key, str(value).encode())
    else:
        txn.delete(Table.COUNTERS, key)


def get(txn: Txn, name: tuple[str, ...]) -> int:
    """Return the counter `name`; 0 when nothing was counted."""
    return _value(txn.get(Table.COUNTERS, keys.text(*name)))


def under(txn: Txn, *name: str) -> Iterator[tuple[str, int]]:
    """Yield (last part, value) of all counters whose name begins with `name`."""
    for key, value in txn.scan(Table.COUNTERS, keys.text(*name)):
        yield keys.last_text(key), _value(value)


def _value(stored: bytes | None) -> int:
    return int(stored) if stored else 0
