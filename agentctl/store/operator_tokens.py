"""Table operator_tokens: what is known of each operator's token; never the token itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from agentctl.model.principal import Role
from agentctl.store import keys
from agentctl.store.codec import Codec, decoded
from agentctl.store.txn import Table, Txn


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorToken:
    """`digest` is the token's SHA-256 in hexadecimal; times are wall clock.

    Who made it and when isn't known of the oldest ones ("", 0).
    """

    id: str
    digest: str
    name: str
    role: Role
    expires_at_s: float
    created_at_s: float = 0.0
    created_by: str = ""


_tokens = Codec(Table.OPERATOR_TOKENS, OperatorToken)


def put(txn: Txn, token: OperatorToken) -> None:
    """Store a token's record."""
    txn.put(Table.OPERATOR_TOKENS, keys.text(token.id), _tokens.encode(token))


def get(txn: Txn, token_id: str) -> OperatorToken | None:
    """Return a token's record, or None."""
    key = keys.text(token_id)
    return decoded(_tokens, key, txn.get(Table.OPERATOR_TOKENS, key))


def all(txn: Txn) -> Iterator[OperatorToken]:  # noqa: A001 read as operator_tokens.all(txn)
    """Yield every token's record, oldest first."""
    return (_tokens.decode(key, value) for key, value in txn.scan(Table.OPERATOR_TOKENS))


def delete(txn: Txn, token_id: str) -> bool:
    """Delete a token's record: it is worth nothing from now on. Return whether there was one."""
    return txn.delete(Table.OPERATOR_TOKENS, keys.text(token_id))
