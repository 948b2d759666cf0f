"""Table idempotency: which task a submitter's Idempotency-Key made, so that a repeat gets the same."""

from dataclasses import dataclass

from agentctl.store import keys
from agentctl.store.codec import Codec
from agentctl.store.txn import Table, Txn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submitted:
    task: str
    request_digest: str


_submitted = Codec(Table.IDEMPOTENCY, _Submitted)


def first(txn: Txn, who: str, idempotency_key: str) -> tuple[str, str] | None:
    """Return (task id, request digest) of the first submit by `who` under that key, or None."""
    key = keys.text(who, idempotency_key)
    value = txn.get(Table.IDEMPOTENCY, key)
    if value is None:
        return None
    found = _submitted.decode(key, value)
    return found.task, found.request_digest


def remember(txn: Txn, who: str, idempotency_key: str, task_id: str, request_digest: str) -> None:
    """Keep what a submit under that key made."""
    record = _Submitted(task=task_id, request_digest=request_digest)
    txn.put(Table.IDEMPOTENCY, keys.text(who, idempotency_key), _submitted.encode(record))
