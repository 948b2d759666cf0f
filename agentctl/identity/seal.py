"""Tokens that nothing has to store: an HMAC over what the token stands for, under the hub's own key."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from pathlib import Path

from agentctl.errors import StateDamaged
from agentctl.identity import keyfile, tokens

FILE = "seal.key"
KEY_BYTES = 32  # as long as the hash: RFC 2104 §3


class Seal:
    """HMAC-SHA256 over parts. Losing the key ends all model tokens, so at most the running attempts."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a seal's key is {KEY_BYTES} bytes")
        self._key = key

    @classmethod
    def open(cls, keys: Path) -> "Seal":
        """Return the seal under `seal.key` in the keys directory, made at the first start.

        Raises ConfigError when others may read the key, StateDamaged when it isn't one.
        """
        path = keys / FILE
        try:
            key = keyfile.read(path)
        except FileNotFoundError:
            keyfile.create(path, secrets.token_bytes(KEY_BYTES))
            key = keyfile.read(path)
        if len(key) != KEY_BYTES:
            raise StateDamaged(
                f"{path} has {len(key)} bytes, not {KEY_BYTES}",
                hint="remove it and restart the hub: running attempts lose their model, nothing else",
            )
        return cls(key)

    def seal(self, parts: Sequence[str]) -> str:
        """Return 43 URL-safe characters that only this key makes of these parts.

        Each part goes in with its length, so that ("ab", "c") and ("a", "bc") differ.
        """
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in parts:
            raw = part.encode()
            mac.update(len(raw).to_bytes(8, "big"))
            mac.update(raw)
        return base64.urlsafe_b64encode(mac.digest()).rstrip(b"=").decode()

    def opens(self, sealed: str, parts: Sequence[str]) -> bool:
        """Whether `sealed` is the seal of these parts; takes as long for a near miss as for a far one."""
        return hmac.compare_digest(
            sealed.encode("utf-8", "surrogatepass"), self.seal(parts).encode()
        )

    def model_token(self, task: str, attempt: int, instance: str) -> str:
        """Return the model token of one attempt at a task by one instance."""
        sealed = self.seal(("model", task, str(attempt), instance))
        return tokens.model_token(task, attempt, instance, sealed)

    def opened(self, token: str) -> tokens.ModelToken | None:
        """Return what a model token of ours says, None for any other text: whoever shows it was given it."""
        said = tokens.parse_model_token(token)
        if said is None:
            return None
        parts = ("model", said.task, str(said.attempt), said.instance)
        return said if self.opens(said.sealed, parts) else None
