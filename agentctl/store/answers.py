"""Table answers: what each message of a sender was answered, so that a repeat changes nothing."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from agentctl.store import keys
from agentctl.store.codec import Codec
from agentctl.store.txn import Table, Txn


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    body_digest: str
    answer: dict[str, Any]


_answered = Codec(Table.ANSWERS, _Answered)


def first(txn: Txn, sender: str, message_id: str) -> tuple[str, dict[str, Any]] | None:
    """Return (body digest, answer) of the first message with that id from that sender, or None."""
    key = keys.text(sender, message_id)
    value = txn.get(Table.ANSWERS, key)
    if value is None:
        return None
    found = _answered.decode(key, value)
    return found.body_digest, found.answer


def remember(
    txn: Txn, sender: str, message_id: str, body_digest: str, answer: dict[str, Any]
) -> None:
    """Keep the answer to a message."""
    record = _Answered(body_digest=body_digest, answer=answer)
    txn.put(Table.ANSWERS, keys.text(sender, message_id), _answered.encode(record))


def forget(txn: Txn, sender: str, *, at_most: int | None = None) -> int:
    """Delete a sender's answers (its credentials are dead: it can't repeat itself); return how many."""
    forgotten = 0
    for key, _ in islice(txn.scan(Table.ANSWERS, keys.text(sender)), at_most):
        txn.delete(Table.ANSWERS, key)
        forgotten += 1
    return forgotten
