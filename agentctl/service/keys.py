"""The keys that SVIDs are signed with: which there are, and a new one while the fleet goes on.

Source: docs/decisions/0025-key-rotation.md.
"""

import logging
from typing import Any

from agentctl.errors import Unavailable
from agentctl.identity import Signer
from agentctl.identity.signer import RETIRED_AFTER_S
from agentctl.model.mode import Verb
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import modes
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import ADMINS, READERS, require_role
from agentctl.store import Store, Txn, meta

log = logging.getLogger("agentctl.hub")

SIGNS = "signing_key"  # in table meta


def listed(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return the keys that verify now, the one that signs, and when that was made (wall clock)."""
    require_role(who, READERS, "read keys")
    return _document(hub)


def rotate(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Sign with a new key from now on; what the one before signed verifies until it has expired.

    Raises Refused (not an admin), Conflict (rotated too often), Unavailable (nothing can be written).
    """
    require_role(who, ADMINS, "rotate keys")
    hub.require(Verb.APPLY)
    with hub.live.rotation:
        before = hub.signer
        after = before.rotated(now_s=hub.clock.wall_s())
        try:
            hub.store.write(lambda txn: _record(hub, txn, who, before=before.kid, after=after.kid))
        except BaseException:
            after.withdraw()
            raise
        hub.signer = after  # on record: should the files refuse, the next start makes up for it
        _take_effect(after)
    return _document(hub)


def recorded(store: Store) -> str:
    """Return the `kid` that signs by the record; "" before there is one."""
    with store.read() as txn:
        return meta.get(txn, SIGNS) or ""


def record_opened(hub: Hub) -> None:
    """Record the key that signs from this start on, where the files brought another than the record has."""
    before, now = recorded(hub.store), hub.signer.kid
    if before == now:
        return

    def work(txn: Txn) -> None:
        meta.put(txn, SIGNS, now)
        if before:
            why = "the files of the keys aren't those of the record"
            note(hub, txn, "key.rotated", who="hub", subject=now, before=before, reason=why)

    try:
        hub.store.write(work)
    except Unavailable as why:
        log.warning("the signing key %s isn't on record yet: %s", now, why)


def retire(hub: Hub) -> None:
    """Take away the keys that no living SVID was signed with; nothing while the store can't write."""
    if not hub.signer.outlived(now_s=hub.clock.wall_s()) or modes.STORE in hub.live.causes:
        return
    with hub.live.rotation:
        gone = hub.signer.outlived(now_s=hub.clock.wall_s())
        after = hub.signer.without(gone)
        hub.store.write(lambda txn: _record_retired(hub, txn, gone))
        hub.signer = after
        after.forget(gone)


def _take_effect(signer: Signer) -> None:
    try:
        signer.take_effect()
    except OSError as why:
        log.warning("the new key %s has its place after the next start: %s", signer.kid, why)


def _record(hub: Hub, txn: Txn, who: OperatorPrincipal, *, before: str, after: str) -> None:
    """The record decides: a key that it names signs after a restart, one that it doesn't is forgotten."""
    meta.put(txn, SIGNS, after)
    note(hub, txn, "key.rotated", who=f"operator:{who.name}", subject=after, before=before)


def _record_retired(hub: Hub, txn: Txn, gone: tuple[str, ...]) -> None:
    for kid in gone:
        note(hub, txn, "key.retired", who="hub", subject=kid)


def _document(hub: Hub) -> dict[str, Any]:
    signer = hub.signer
    return {
        "keys": [{"kid": kid, "signs": kid == signer.kid} for kid in sorted(signer.public_keys())],
        "made_at_s": signer.made_at_s,
        "verifies_for_s": RETIRED_AFTER_S,
    }
