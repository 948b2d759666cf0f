"""Table checkpoints: signed words about the journal's head, by the number of the line they speak of."""

from agentctl.model.checkpoint import SignedCheckpoint
from agentctl.store import keys, meta
from agentctl.store.codec import Codec
from agentctl.store.txn import Table, Txn

READ_MAX = 1000  # checkpoints in one page

_RETIRABLE = "journal/retirable"

_signed = Codec(Table.CHECKPOINTS, SignedCheckpoint)


def put(txn: Txn, signed: SignedCheckpoint) -> None:
    """Keep a checkpoint; a newer one of the same line replaces it."""
    txn.put(Table.CHECKPOINTS, keys.number(signed.checkpoint.seq), _signed.encode(signed))


def newest(txn: Txn) -> SignedCheckpoint | None:
    """Return the checkpoint of the highest line, or None."""
    for key, value in txn.scan(Table.CHECKPOINTS, reverse=True):
        return _signed.decode(key, value)
    return None


def read(txn: Txn, after: int = 0, limit: int = READ_MAX) -> list[SignedCheckpoint]:
    """Return up to `limit` (at most READ_MAX) checkpoints of lines above `after`, in order."""
    found = txn.scan(Table.CHECKPOINTS, after=keys.number(max(after, 0)))
    wanted = range(max(0, min(limit, READ_MAX)))
    return [_signed.decode(key, value) for (key, value), _ in zip(found, wanted, strict=False)]


def drop(txn: Txn, *, through: int, limit: int) -> int:
    """Delete up to `limit` checkpoints of lines up to `through`, but never the newest; return how many."""
    top = newest(txn)
    dropped = 0
    for each in read(txn, limit=limit):
        if (
            top is None
            or each.checkpoint.seq > through
            or each.checkpoint.seq == top.checkpoint.seq
        ):
            break
        dropped += txn.delete(Table.CHECKPOINTS, keys.number(each.checkpoint.seq))
    return dropped


def retirable(txn: Txn) -> int:
    """Return the line up to which retention has said that it takes lines away; 0 for none."""
    return int(meta.get(txn, _RETIRABLE) or 0)


def set_retirable(txn: Txn, through: int) -> None:
    """Say that lines up to `through` may be taken away: said before, so that checkpoints can say it."""
    meta.put(txn, _RETIRABLE, str(through))
