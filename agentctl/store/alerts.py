"""Table alerts: one record for each check and subject, firing or resolved; and how far they were told."""

from collections.abc import Iterator

from agentctl.model.alert import Alert
from agentctl.store import keys, meta
from agentctl.store.codec import Codec
from agentctl.store.txn import Table, Txn

_TOLD = "alerts/told"

_alerts = Codec(Table.ALERTS, Alert)


def put(txn: Txn, alert: Alert) -> None:
    """Store an alert in place of what was kept for its check and subject."""
    txn.put(Table.ALERTS, _key(alert.key), _alerts.encode(alert))


def all(txn: Txn) -> Iterator[Alert]:  # noqa: A001 read as alerts.all(txn)
    """Yield every alert that is kept."""
    return (_alerts.decode(key, value) for key, value in txn.scan(Table.ALERTS))


def delete(txn: Txn, key: tuple[str, str]) -> bool:
    """Forget an alert by check and subject; return whether it was kept."""
    return txn.delete(Table.ALERTS, _key(key))


def told(txn: Txn) -> int:
    """Return the number of the last transition that all sinks were told of, or given up on."""
    return int(meta.get(txn, _TOLD) or 0)


def set_told(txn: Txn, seq: int) -> None:
    """Keep that number."""
    meta.put(txn, _TOLD, str(seq))


def _key(key: tuple[str, str]) -> bytes:
    check, subject = key
    return keys.text(check, subject)
