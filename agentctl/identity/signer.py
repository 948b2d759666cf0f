"""Issue JWT-SVIDs (ES256): the last key in the row signs, all of them verify."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from agentctl.errors import Conflict
from agentctl.identity import keyring, spiffe
from agentctl.identity.jwk import ALGORITHM, jwks
from agentctl.identity.keyring import SigningKey
from agentctl.identity.svid import LIFETIME_S_MAX

LIFETIME_S = (
    300.0  # SPIRE's default: half of what is allowed, so that a stolen one is soon worthless
)
REFRESH_HINT_S = 300  # how often a verifier elsewhere should fetch the bundle again

_JWS = jwt.PyJWS(algorithms=[ALGORITHM])
RETIRED_AFTER_S = LIFETIME_S_MAX + 60.0  # no SVID of the key before lives longer than that
VERIFYING_MAX = 8  # keys at once: who rotates more often in ten minutes does so by mistake


class Signer:
    """The hub's signing keys. Immutable once opened, so any thread may use it."""

    __slots__ = ("_folder", "_keys", "_past", "_public", "_signs")

    def __init__(
        self,
        folder: Path,
        keys: Sequence[SigningKey],
        past: Mapping[str, ec.EllipticCurvePublicKey],
    ) -> None:
        """`keys` in the order they were made: the last signs, the others still verify.

        `past` verify only what was signed for people to keep (checkpoints).
        """
        self._folder = folder
        self._keys = tuple(keys)
        self._signs = self._keys[-1]
        self._public = MappingProxyType({each.kid: each.private.public_key() for each in keys})
        self._past = MappingProxyType(dict(past))

    @classmethod
    def open(cls, keys: Path, *, recorded: str = "", now_s: float = 0.0) -> "Signer":
        """Return the signer of the keys directory; the first start makes a key, at `now_s` (wall clock).

        `recorded` is the `kid` that signs by the hub's record: see keyring.opened for what follows.
        Raises ConfigError when others may read a key, StateDamaged when a file isn't one.
        """
        found = keyring.opened(keys, recorded=recorded, now_s=now_s)
        return cls(keys, found, keyring.past(keys))

    @property
    def kid(self) -> str:
        """The name of the key that signs."""
        return self._signs.kid

    @property
    def made_at_s(self) -> float:
        """When the key that signs was made (wall clock), 0 when nobody knows."""
        return self._signs.made_at_s

    def rotated(self, *, now_s: float) -> "Signer":
        """Return a signer with a new key that signs; all that verified before still do.

        The new key's file is whole, and in force for the next start only once `take_effect` is
        called. Raises Conflict when too many keys verify already, Unavailable when it can't be kept.
        """
        if len(self._keys) >= VERIFYING_MAX:
            raise Conflict(
                f"{len(self._keys)} keys verify already",
                hint=f"those before the newest go {RETIRED_AFTER_S:.0f} s after it was made",
            )
        new = keyring.prepare(self._folder, self._keys, now_s=now_s)
        return Signer(self._folder, (*self._keys, new), self._past)

    def take_effect(self) -> None:
        """Make the new key of a rotation the one that signs after a restart too."""
        keyring.publish(self._folder, self.kid)

    def withdraw(self) -> None:
        """Forget the new key of a rotation that wasn't recorded."""
        keyring.discard(self._folder, self.kid)

    def outlived(self, *, now_s: float) -> tuple[str, ...]:
        """Return the keys that no living SVID was signed with; `now_s` is wall-clock seconds."""
        if now_s < self.made_at_s + RETIRED_AFTER_S:
            return ()
        return tuple(each.kid for each in self._keys[:-1])

    def without(self, kids: Sequence[str]) -> "Signer":
        """Return a signer without these keys; never without the one that signs. Raises Unavailable.

        Their public halves are kept, for what they signed that people keep; the private ones are
        there until `forget`.
        """
        gone = [each for each in self._keys[:-1] if each.kid in kids]
        for each in gone:
            keyring.retire(self._folder, each)
        kept = [each for each in self._keys if each not in gone]
        past = {**self._past, **{each.kid: each.private.public_key() for each in gone}}
        return Signer(self._folder, kept, past)

    def forget(self, kids: Sequence[str]) -> None:
        """Delete the private halves of retired keys."""
        for kid in kids:
            keyring.forget(self._folder, kid)

    def issue(
        self,
        *,
        spiffe_id: str,
        audience: str,
        provider: str,
        boundary: str,
        now_s: float,
        lifetime_s: float = LIFETIME_S,
    ) -> tuple[str, float]:
        """Return a JWT-SVID and its expiry (wall-clock seconds).

        Raises ValueError for a subject that isn't an agent's SPIFFE ID or a lifetime out of bounds.
        """
        if spiffe.parse(spiffe_id) is None:
            raise ValueError("the subject is not an agent's SPIFFE ID")
        if not 0 < lifetime_s <= LIFETIME_S_MAX:
            raise ValueError(f"an SVID lives at most {LIFETIME_S_MAX:.0f} s")
        issued_at_s = math.floor(now_s)
        expires_at_s = issued_at_s + math.floor(lifetime_s)
        claims = {
            "sub": spiffe_id,
            "aud": [audience],
            "iat": issued_at_s,
            "exp": expires_at_s,
            "provider": provider,
            "boundary": boundary,
        }
        token = jwt.encode(
            claims, self._signs.private, algorithm=ALGORITHM, headers={"kid": self.kid}
        )
        return token, float(expires_at_s)

    def sign(self, payload: bytes, *, kind: str) -> str:
        """Return `payload` as a compact JWS (ES256); `kind` is its `typ`, never an SVID's.

        Raises ValueError for the type of an SVID: what is signed here must not pass for one.
        """
        if kind.upper() == "JWT":
            raise ValueError("an SVID is made by issue")
        headers = {"typ": kind, "kid": self.kid}
        return _JWS.encode(payload, self._signs.private, algorithm=ALGORITHM, headers=headers)

    def public_keys(self) -> Mapping[str, ec.EllipticCurvePublicKey]:
        """Return the keys that verify, by `kid`."""
        return self._public

    def bundle(self) -> dict[str, Any]:
        """Return the trust bundle: a JWK set whose keys carry `kid` and `use: jwt-svid`.

        Source: SPIFFE Trust Domain and Bundle §4.
        """
        return {"keys": jwks(self._public), "spiffe_refresh_hint": REFRESH_HINT_S}

    def checkpoint_keys(self) -> list[dict[str, Any]]:
        """Return all that ever signed a checkpoint, as JWKs: also those that sign and verify no SVID now."""
        return jwks({**self._past, **self._public})
