"""Make a token for an operator or a CI job: shown once, stored hashed."""

import re
from typing import Any

from agentctl.errors import InputError
from agentctl.identity import tokens
from agentctl.model.principal import OperatorPrincipal, Role
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.service.roles import ADMINS, require_role
from agentctl.store import Txn, operator_tokens

TTL_S_MAX = 366 * 86400.0  # a forgotten token ends within a year
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
        operator_tokens.put(
            txn,
            operator_tokens.OperatorToken(
                id=token_id,
                digest=tokens.digest(token),
                name=name,
                role=Role(role),
                expires_at_s=expires_at_s,
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


def _wrong(name: str, role: str, ttl_s: float) -> list[tuple[str, str]]:
    found = []
    if not NAME.fullmatch(name):
        found.append(("/name", "small letters, digits and hyphens, at most 40"))
    if role not in GIVEN:
        found.append(("/role", f"one of {', '.join(GIVEN)}"))
    if not 0 < ttl_s <= TTL_S_MAX:
        found.append(("/ttl_s", f"more than 0, at most {TTL_S_MAX:.0f} seconds"))
    return found
