"""Signing in to the dashboard: a token or a one-time code in, a session out; what it shows as, asked anew.

A session reads pages and nothing else: no route of the API looks at it.
Source: docs/decisions/0031-dashboard.md.
"""

import base64
import hashlib
import hmac
import logging
import re
from typing import Any

from agentctl.errors import Throttled, Unauthenticated
from agentctl.identity import tokens
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.service import authenticate
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import ADMINS, require_role
from agentctl.service.sessions import Bound
from agentctl.store import Txn, operator_tokens

SESSION_S_MAX = 12 * 3600.0  # a shift
CODE_S_MAX = 300.0  # from the terminal to the browser
CODE_BYTES = 10  # 80 bits behind a bound of an attempt every two seconds, for five minutes
CODE_TOKENS_MAX = 50  # records that codes hang on; the oldest goes first
TOKEN_PREFIX = "board"  # noqa: S105  # of the ids of those records
NAME = "dashboard"  # by which the journal and `agentctl token list` know them
ROLES = {"viewer": Role.VIEWER, "operator": Role.OPERATOR}

_CODE = re.compile(r"[A-Z2-7]{16}")
_ALIKE = str.maketrans("018", "OIB")  # as people read them off a screen

log = logging.getLogger("agentctl.hub")


def make_code(hub: Hub, who: OperatorPrincipal, *, role: str) -> dict[str, Any]:
    """Return a one-time code that signs in with `role`, and the id of the token that ends it.

    The token itself is shown to nobody, so the code is all that it is good for.
    """
    require_role(who, ADMINS, "make sign-in codes")
    now_s, token_id = hub.clock.wall_s(), hub.ids.new(TOKEN_PREFIX)
    record = operator_tokens.OperatorToken(
        id=token_id,
        digest=tokens.digest(tokens.operator_token(token_id, hub.randomness.token())),
        name=NAME,
        role=ROLES[role],
        expires_at_s=now_s + SESSION_S_MAX,
        created_at_s=now_s,
        created_by=f"operator:{who.name}",
    )
    hub.store.write(lambda txn: _put(hub, txn, record))
    code = _code(hub.randomness.token())
    bound = Bound(token=token_id, token_digest=record.digest, ends_s=now_s + CODE_S_MAX)
    hub.live.codes.put(tokens.digest(code), bound)
    return {
        "code": "-".join(code[at : at + 4] for at in range(0, len(code), 4)),
        "url": hub.live.listen,
        "token": token_id,
        "role": role,
        "code_ends_at_s": bound.ends_s,
        "expires_at_s": record.expires_at_s,
    }


def _put(hub: Hub, txn: Txn, record: operator_tokens.OperatorToken) -> None:
    """Write the record, with its journal line; those that ended, and the oldest of too many, go."""
    mine = [each for each in operator_tokens.all(txn) if each.id.startswith(f"{TOKEN_PREFIX}-")]
    living = [each for each in mine if each.expires_at_s > hub.clock.wall_s()]
    kept = {each.id for each in living[-(CODE_TOKENS_MAX - 1) :]}
    for each in mine:
        if each.id not in kept:
            operator_tokens.delete(txn, each.id)
    operator_tokens.put(txn, record)
    facts = {"name": record.name, "role": record.role.value}
    note(hub, txn, "token.created", who=record.created_by, subject=record.id, **facts)


def _code(random: str) -> str:
    return base64.b32encode(hashlib.sha256(random.encode()).digest()[:CODE_BYTES]).decode()


def sign_in(hub: Hub, shown: str) -> tuple[str, float]:
    """Return a new session's id and its lifetime in seconds, for an operator token or a one-time code.

    Raises Throttled when there were too many attempts, Unauthenticated without saying what failed.
    """
    wait_s = hub.live.sign_ins.wait_s("", hub.clock.boot_s())
    if wait_s:
        raise Throttled("too many try to sign in", retry_after_s=wait_s)
    found = _by_token(hub, shown) or _by_code(hub, shown)
    record = _record(hub, found) if found else None
    if found is None or record is None:
        log.warning("a sign-in was refused")
        raise Unauthenticated(
            "no token or code of this hub's, or one that has ended",
            hint="make a code: agentctl dashboard",
        )
    now_s = hub.clock.wall_s()
    session = hub.randomness.token()
    ends_s = min(now_s + SESSION_S_MAX, record.expires_at_s)
    bound = Bound(token=record.id, token_digest=record.digest, ends_s=ends_s)
    hub.live.sessions.put(tokens.digest(session), bound)
    log.info("signed in: %s, role %s", record.name, record.role)
    return session, ends_s - now_s


def _by_token(hub: Hub, shown: str) -> Bound | None:
    parsed = tokens.parse_operator_token(shown)
    if parsed is None:
        return None
    try:
        authenticate.operator_by_token(hub, shown)
    except Unauthenticated:
        return None
    return Bound(token=parsed.id, token_digest=tokens.digest(shown), ends_s=0.0)


def _by_code(hub: Hub, shown: str) -> Bound | None:
    code = re.sub(r"[\s-]", "", shown).upper().translate(_ALIKE)
    if not _CODE.fullmatch(code):
        return None
    return hub.live.codes.take(tokens.digest(code), hub.clock.wall_s())


def signed_in(hub: Hub, session: str) -> OperatorPrincipal:
    """Return whom a session shows pages to; raises Unauthenticated when it, or its token, has ended."""
    bound = hub.live.sessions.get(tokens.digest(session), hub.clock.wall_s())
    record = _record(hub, bound) if bound else None
    if record is None:
        raise Unauthenticated("nobody is signed in here", hint="sign in again")
    return OperatorPrincipal(name=f"token:{record.name}", role=record.role)


def sign_out(hub: Hub, session: str) -> None:
    """End a session at once; ending none is no error."""
    hub.live.sessions.take(tokens.digest(session), hub.clock.wall_s())


def _record(hub: Hub, bound: Bound) -> operator_tokens.OperatorToken | None:
    """Return the record that a session hangs on, as it is now; None when it was revoked or has ended."""
    with hub.store.read() as txn:
        record = operator_tokens.get(txn, bound.token)
    if record is None or hub.clock.wall_s() >= record.expires_at_s:
        return None
    return record if hmac.compare_digest(record.digest, bound.token_digest) else None
