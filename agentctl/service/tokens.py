"""Tokens of operators and CI jobs: shown once, stored hashed, worth nothing once expired or revoked."""

import re
from typing import Any

from agentctl.errors import Conflict, InputError, NotFound
from agentctl.identity import tokens
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import ADMINS, require_role
from agentctl.store import Txn, operator_tokens

TTL_S_MAX = 366 * 86400.0  # a forgotten token ends within a year
EXPIRED_KEPT_S = 30 * 86400.0  # people ask why a job fails; after that its record goes
TOKENS_MAX = 1000  # of people and jobs; more are a loop that makes them
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")
GIVEN = {role.value: role for role in (Role.VIEWER, Role.CI, Role.OPERATOR, Role.ADMIN)}


def create(
    hub: Hub, who: OperatorPrincipal, *, name: str, role: str, ttl_s: float
) -> dict[str, Any]:
    """Return a new token and its id; raises InputError for a bad name, role or lifetime."""
    require_role(who, ADMINS, "make tokens")
    wrong = _wrong(name, role, ttl_s)
    if wrong:
        raise InputError(f"{wrong[0][0][1:]}: {wrong[0][1]}", fields=wrong)
    token_id = hub.ids.new("op")
    token = tokens.operator_token(token_id, hub.randomness.token())
    expires_at_s = hub.clock.wall_s() + ttl_s

    def work(txn: Txn) -> None:
        _require_room(hub, txn)
        operator_tokens.put(
            txn,
            operator_tokens.OperatorToken(
                id=token_id,
                digest=tokens.digest(token),
                name=name,
                role=Role(role),
                expires_at_s=expires_at_s,
                created_at_s=hub.clock.wall_s(),
                created_by=f"operator:{who.name}",
            ),
        )
        note(
            hub,
            txn,
            "token.created",
            who=f"operator:{who.name}",
            subject=token_id,
            name=name,
            role=role,
        )

    hub.store.write(work)
    return {"id": token_id, "token": token, "role": role, "expires_at_s": expires_at_s}


def _require_room(hub: Hub, txn: Txn) -> None:
    """Forget what expired long ago; raises Conflict when there are too many all the same."""
    found = list(operator_tokens.all(txn))
    for each in found:
        if hub.clock.wall_s() > each.expires_at_s + EXPIRED_KEPT_S:
            operator_tokens.delete(txn, each.id)
    if len(found) >= TOKENS_MAX and len(list(operator_tokens.all(txn))) >= TOKENS_MAX:
        raise Conflict(
            f"there are {TOKENS_MAX} tokens already", hint="`agentctl token revoke` the unused ones"
        )


def listed(hub: Hub, who: OperatorPrincipal) -> dict[str, Any]:
    """Return what is known of every token, expired ones included, oldest first; never a token."""
    require_role(who, ADMINS, "list tokens")
    now_s = hub.clock.wall_s()
    with hub.store.read() as txn:
        return {"tokens": [_row(each, now_s) for each in operator_tokens.all(txn)]}


def revoke(hub: Hub, who: OperatorPrincipal, token_id: str) -> dict[str, Any]:
    """Make a token worth nothing, from its next request on; return what it was. Raises NotFound."""
    require_role(who, ADMINS, "revoke tokens")

    def work(txn: Txn) -> operator_tokens.OperatorToken:
        found = operator_tokens.get(txn, token_id)
        if found is None:
            raise NotFound(f"no token {token_id!r}", hint="`agentctl token list` shows their ids")
        operator_tokens.delete(txn, token_id)
        principal, facts = f"operator:{who.name}", {"name": found.name, "role": found.role.value}
        note(hub, txn, "token.revoked", who=principal, subject=token_id, **facts)
        return found

    return _row(hub.store.write(work), hub.clock.wall_s())


def _row(token: operator_tokens.OperatorToken, now_s: float) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role.value,
        "created_at_s": token.created_at_s or None,
        "created_by": token.created_by or None,
        "expires_at_s": token.expires_at_s,
        "expired": now_s >= token.expires_at_s,
    }


def _wrong(name: str, role: str, ttl_s: float) -> list[tuple[str, str]]:
    found = []
    if not NAME.fullmatch(name):
        found.append(("/name", "small letters, digits and hyphens, at most 40"))
    if role not in GIVEN:
        found.append(("/role", f"one of {', '.join(GIVEN)}"))
    if not 0 < ttl_s <= TTL_S_MAX:
        found.append(("/ttl_s", f"more than 0, at most {TTL_S_MAX:.0f} seconds"))
    return found
