"""The keys that SVIDs are signed with: which there are, and a new one while the fleet goes on.

Source: docs/decisions/0025-key-rotation.md.
"""

from typing import Any

from agentctl.identity.signer import RETIRED_AFTER_S
from agentctl.model.mode import Verb
from agentctl.model.principal import OperatorPrincipal
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import ADMINS, READERS, require_role


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
    with hub.live.lock:
        before = hub.signer
        after = before.rotated()
        hub.store.write(
            lambda txn: note(
                hub,
                txn,
                "key.rotated",
                who=f"operator:{who.name}",
                subject=after.kid,
                before=before.kid,
            )
        )
        hub.signer = after
    return _document(hub)


def retire(hub: Hub) -> None:
    """Take away the keys that no living SVID was signed with."""
    signer = hub.signer
    if len(signer.public_keys()) < 2:
        return
    with hub.live.lock:
        after = hub.signer.retired(now_s=hub.clock.wall_s())
        gone = hub.signer.public_keys().keys() - after.public_keys().keys()
        hub.signer = after
    for kid in sorted(gone):
        hub.store.write(lambda txn, kid=kid: note(hub, txn, "key.retired", who="hub", subject=kid))  # type: ignore[misc]


def _document(hub: Hub) -> dict[str, Any]:
    signer = hub.signer
    return {
        "keys": [{"kid": kid, "signs": kid == signer.kid} for kid in sorted(signer.public_keys())],
        "made_at_s": signer.made_at_s,
        "verifies_for_s": RETIRED_AFTER_S,
    }
