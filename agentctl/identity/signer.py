"""Issue JWT-SVIDs: ES256 keys in 0600 files, the newest signs, all of them verify."""

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agentctl.errors import Conflict, StateDamaged
from agentctl.identity import keyfile, spiffe
from agentctl.identity.svid import ALGORITHM, LIFETIME_S_MAX

LIFETIME_S = (
    300.0  # SPIRE's default: half of what is allowed, so that a stolen one is soon worthless
)
REFRESH_HINT_S = 300  # how often a verifier elsewhere should fetch the bundle again

_JWS = jwt.PyJWS(algorithms=[ALGORITHM])
RETIRED_AFTER_S = LIFETIME_S_MAX + 60.0  # no SVID of the key before lives longer than that
VERIFYING_MAX = 8  # keys at once: who rotates more often in ten minutes does so by mistake
_FILE = re.compile(r"svid-[A-Za-z0-9_-]{43}\.pem")
_RETIRED = re.compile(r"retired-[A-Za-z0-9_-]{43}\.pem")


class Signer:
    """The hub's signing keys. Immutable once opened, so any thread may use it."""

    __slots__ = ("_folder", "_key", "_kid", "_past", "_public", "made_at_s")

    def __init__(
        self,
        keys: Mapping[str, ec.EllipticCurvePrivateKey],
        *,
        signs: str,
        made_at_s: float = 0.0,
        past: Mapping[str, ec.EllipticCurvePublicKey] = MappingProxyType({}),
        folder: Path | None = None,
    ) -> None:
        """`keys` by `kid`; the one named `signs` signs, the others still verify.

        `made_at_s` is when that one was made (wall clock), 0 when nobody knows. `past` verify
        only what was signed for people to keep (checkpoints). `folder` is where the files are.
        """
        self._folder = folder
        self._past = MappingProxyType(dict(past))
        self.made_at_s = made_at_s
        self._kid = signs
        self._key = keys[signs]
        self._public = MappingProxyType({kid: key.public_key() for kid, key in keys.items()})

    @classmethod
    def open(cls, keys: Path) -> "Signer":
        """Return the signer of the keys directory; the first start makes a key.

        Raises ConfigError when others may read a key, StateDamaged when a file isn't one.
        """
        found = _files(keys)
        if not found:
            _make(keys)
            found = _files(keys)
        loaded = dict(_load(path) for path in found)
        newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
        return cls(
            loaded,
            signs=_kid_of(newest),
            made_at_s=newest.stat().st_mtime,
            past=_past(keys),
            folder=keys,
        )

    @property
    def kid(self) -> str:
        """The name of the key that signs."""
        return self._kid

    def rotated(self) -> "Signer":
        """Return a signer with a new key that signs; all that verified before still do.

        The new key's file is whole before anything is signed with it, so a crash leaves a set
        that can be opened. Raises Conflict when too many keys verify already.
        """
        assert self._folder is not None, "a signer of keys in memory has nowhere to keep another"
        if len(self._public) >= VERIFYING_MAX:
            raise Conflict(
                f"{len(self._public)} keys verify already",
                hint=f"those before the newest go {RETIRED_AFTER_S:.0f} s after it was made",
            )
        _make(self._folder)
        return Signer.open(self._folder)

    def retired(self, *, now_s: float) -> "Signer":
        """Return a signer without the keys that no living SVID was signed with; itself if there are none.

        Their public halves stay, for what they signed that people keep.
        """
        if len(self._public) < 2 or self._folder is None:
            return self
        if now_s < self.made_at_s + RETIRED_AFTER_S:
            return self
        for kid in self._public.keys() - {self._kid}:
            pem = self._public[kid].public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            keyfile.create(self._folder / f"retired-{kid}.pem", pem)
            (self._folder / f"svid-{kid}.pem").unlink(missing_ok=True)
        return Signer.open(self._folder)

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
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._kid})
        return token, float(expires_at_s)

    def sign(self, payload: bytes, *, kind: str) -> str:
        """Return `payload` as a compact JWS (ES256); `kind` is its `typ`, never an SVID's.

        Raises ValueError for the type of an SVID: what is signed here must not pass for one.
        """
        if kind.upper() == "JWT":
            raise ValueError("an SVID is made by issue")
        headers = {"typ": kind, "kid": self._kid}
        return _JWS.encode(payload, self._key, algorithm=ALGORITHM, headers=headers)

    def public_keys(self) -> Mapping[str, ec.EllipticCurvePublicKey]:
        """Return the keys that verify, by `kid`."""
        return self._public

    def bundle(self) -> dict[str, Any]:
        """Return the trust bundle: a JWK set whose keys carry `kid` and `use: jwt-svid`.

        Source: SPIFFE Trust Domain and Bundle §4.
        """
        return {"keys": _jwks(self._public), "spiffe_refresh_hint": REFRESH_HINT_S}

    def checkpoint_keys(self) -> list[dict[str, Any]]:
        """Return all that ever signed a checkpoint, as JWKs: also those that sign and verify no SVID now."""
        return _jwks({**self._past, **self._public})


def _jwks(keys: Mapping[str, ec.EllipticCurvePublicKey]) -> list[dict[str, Any]]:
    return [
        {**_jwk(key), "kid": kid, "use": "jwt-svid", "alg": ALGORITHM}
        for kid, key in sorted(keys.items())
    ]


def _past(keys: Path) -> dict[str, ec.EllipticCurvePublicKey]:
    """Return the public halves of retired keys by `kid`; a file that is none is StateDamaged."""
    found = {}
    for path in sorted(keys.iterdir()):
        if not _RETIRED.fullmatch(path.name):
            continue
        try:
            key = serialization.load_pem_public_key(keyfile.read(path))
        except (ValueError, UnsupportedAlgorithm) as cause:
            raise StateDamaged(f"{path} is not a public key", hint="remove it") from cause
        if isinstance(key, ec.EllipticCurvePublicKey):
            found[thumbprint(key)] = key
    return found


def _files(keys: Path) -> list[Path]:
    return sorted(path for path in keys.iterdir() if _FILE.fullmatch(path.name))


def _kid_of(path: Path) -> str:
    return path.name.removeprefix("svid-").removesuffix(".pem")


def _make(keys: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    keyfile.create(keys / f"svid-{thumbprint(key.public_key())}.pem", pem)


def _load(path: Path) -> tuple[str, ec.EllipticCurvePrivateKey]:
    hint = "restore it from a backup, or remove it and restart the hub: agents get new SVIDs"
    try:
        key = serialization.load_pem_private_key(keyfile.read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise StateDamaged(f"{path} is not a private key", hint=hint) from cause
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise StateDamaged(f"{path} is not a P-256 key", hint=hint)
    if thumbprint(key.public_key()) != _kid_of(path):
        raise StateDamaged(f"{path} holds another key than its name says", hint=hint)
    return _kid_of(path), key


def thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    """Return a key's name: its JWK thumbprint, SHA-256 in URL-safe base64 (RFC 7638)."""
    canonical = json.dumps(_jwk(key), sort_keys=True, separators=(",", ":")).encode()
    return _base64(hashlib.sha256(canonical).digest())


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return the required members of an EC key (RFC 7518 §6.2)."""
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": _base64(numbers.x.to_bytes(32, "big")),
        "y": _base64(numbers.y.to_bytes(32, "big")),
    }


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
