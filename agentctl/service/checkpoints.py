"""Signed checkpoints of the journal: made now and then, at the stop and when asked; served to keep elsewhere.

Source: docs/decisions/0010-journal-and-state.md.
"""

from dataclasses import asdict
from typing import Any

from agentctl.errors import NotFound
from agentctl.identity import checkpoints as signed_words
from agentctl.model.checkpoint import Checkpoint, SignedCheckpoint
from agentctl.model.principal import OperatorPrincipal
from agentctl.service.context import Hub
from agentctl.service.roles import OPERATORS, READERS, require_role
from agentctl.store import checkpoints as checkpoint_table
from agentctl.store import journal as journal_table

EVERY_S = 300.0  # what an insider could rewrite unseen, if each checkpoint is copied at once
PAGE_MAX = 1000


def make(hub: Hub) -> SignedCheckpoint | None:
    """Sign and keep a checkpoint of the newest line; return it, or None while the journal is empty.

    Where nothing was written or retired since the newest checkpoint, that one is returned.
    """
    with hub.store.read() as txn:
        head = journal_table.head(txn)
        retirable = checkpoint_table.retirable(txn)
        newest = checkpoint_table.newest(txn)
    if head.seq == 0 or (newest and _says(newest.checkpoint, head.seq, retirable)):
        return newest
    checkpoint = Checkpoint(
        installation=hub.installation,
        seq=head.seq,
        hash=head.hash,
        at_s=hub.clock.wall_s(),
        retired_through=retirable,
    )
    signed = SignedCheckpoint(checkpoint=checkpoint, jws=signed_words.sign(checkpoint, hub.signer))
    hub.store.write(lambda txn: checkpoint_table.put(txn, signed))
    return signed


def make_if_unsaid(hub: Hub) -> None:
    """Make a checkpoint unless one says already which lines may be gone."""
    with hub.store.read() as txn:
        newest = checkpoint_table.newest(txn)
        said = newest is not None and newest.checkpoint.retired_through
        if said == checkpoint_table.retirable(txn):
            return
    make(hub)


def ask(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Make a checkpoint now and return it with the keys that verify it; raises NotFound on an empty journal."""
    require_role(who, OPERATORS, "make checkpoints")
    signed = make(hub)
    if signed is None:
        raise NotFound("the journal is empty: there is nothing to make a checkpoint of")
    return document(hub, signed)


def page(hub: Hub, who: OperatorPrincipal, *, after: int, limit: int) -> dict[str, Any]:
    """Return checkpoints of lines above `after`, in order, with the keys that verify them."""
    require_role(who, READERS, "read the journal")
    with hub.store.read() as txn:
        found = checkpoint_table.read(txn, after=after, limit=min(limit, PAGE_MAX))
    return {
        "checkpoints": [asdict(each.checkpoint) | {"jws": each.jws} for each in found],
        "keys": hub.signer.checkpoint_keys(),
    }


def document(hub: Hub, signed: SignedCheckpoint) -> dict[str, Any]:
    """Return a checkpoint as people keep it: readable, signed, with the public keys beside it."""
    return {
        **asdict(signed.checkpoint),
        "jws": signed.jws,
        "keys": hub.signer.checkpoint_keys(),
    }


def _says(newest: Checkpoint, seq: int, retirable: int) -> bool:
    return (newest.seq, newest.retired_through) == (seq, retirable)
