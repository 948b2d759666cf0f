"""Table idempotency: which task a submitter's Idempotency-Key made, so that a repeat gets the same.

Table idempotency_by_task says it the other way round, so that a key goes with its task.
"""

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
    key = keys.text(who, idempotency_key)
    record = _Submitted(task=task_id, request_digest=request_digest)
    txn.put(Table.IDEMPOTENCY, key, _submitted.encode(record))
    txn.put(Table.IDEMPOTENCY_BY_TASK, keys.text(task_id), key)


def forget(txn: Txn, task_id: str) -> bool:
    """Delete the key that made a task: the same submit makes a new task from now on."""
    by_task = keys.text(task_id)
    key = txn.get(Table.IDEMPOTENCY_BY_TASK, by_task)
    if key is None:
        return False
    txn.delete(Table.IDEMPOTENCY_BY_TASK, by_task)
    return txn.delete(Table.IDEMPOTENCY, key)


def index_by_task(txn: Txn) -> None:
    """Write table idempotency_by_task anew from table idempotency: the step from schema 1 to 2."""
    for key, value in txn.scan(Table.IDEMPOTENCY):
        task_id = _submitted.decode(key, value).task
        txn.put(Table.IDEMPOTENCY_BY_TASK, keys.text(task_id), key)


def made(txn: Txn, key: bytes) -> str:
    """Return the id of the task that the record under `key` names; raises StateDamaged when it is none."""
    return _submitted.decode(key, txn.get(Table.IDEMPOTENCY, key) or b"").task
