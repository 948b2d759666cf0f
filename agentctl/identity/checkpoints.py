"""Checkpoints of the journal as signed words: a compact JWS by the hub's key, verified with its bundle.

Source: RFC 7515 (JWS), RFC 7517 (keys); docs/decisions/0010-journal-and-state.md.
"""

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey as PublicKey
from jwt import PyJWS
from jwt.exceptions import PyJWTError

from agentctl.errors import StateDamaged
from agentctl.identity.jwk import ALGORITHM, thumbprint
from agentctl.identity.signer import Signer
from agentctl.model.checkpoint import Checkpoint

TYPE = (
    "agentctl-checkpoint"  # in the header: no SVID passes for a checkpoint, and none the other way
)
JWS_CHARS_MAX = 2048  # ours have about 450
_HASH = re.compile(r"[0-9a-f]{64}")
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")
_JWS = PyJWS(algorithms=[ALGORITHM])

Keys = Mapping[str, PublicKey]


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """Return the checkpoint as a compact JWS (ES256) that names its key by thumbprint."""
    payload = json.dumps(asdict(checkpoint), sort_keys=True, separators=(",", ":"))
    return signer.sign(payload.encode(), kind=TYPE)


def read(jws: str, keys: Keys) -> Checkpoint:
    """Return what a signed checkpoint says; raises StateDamaged unless one of `keys` signed it."""
    try:
        if len(jws) > JWS_CHARS_MAX:
            raise ValueError("it is too long")
        header = _JWS.get_unverified_header(jws)
        if header.get("alg") != ALGORITHM or header.get("typ") != TYPE:
            raise ValueError("it is signed for something else")
        key = keys.get(str(header.get("kid")))
        if key is None:
            raise ValueError(f"its key {header.get('kid')!r} isn't in the bundle")
        return _checkpoint(json.loads(_JWS.decode(jws, key, algorithms=[ALGORITHM])))
    except (PyJWTError, ValueError, TypeError, KeyError) as cause:
        raise StateDamaged(f"the checkpoint can't be trusted: {cause}") from cause


def signed_by(jws: str) -> str:
    """Return the `kid` that a checkpoint names, unverified; "" when it names none."""
    try:
        return str(_JWS.get_unverified_header(jws[:JWS_CHARS_MAX]).get("kid", ""))
    except PyJWTError:
        return ""


def keys_of(bundle: Mapping[str, Any]) -> dict[str, PublicKey]:
    """Return the P-256 keys of a bundle by `kid`; raises StateDamaged for what is no such bundle.

    A key whose `kid` isn't its own thumbprint (RFC 7638) is refused: the name is what people compare.
    """
    try:
        found = [_key(each) for each in bundle["keys"]]
    except (KeyError, TypeError, ValueError) as cause:
        raise StateDamaged(f"this is no bundle of the hub's public keys: {cause}") from cause
    return {thumbprint(key): key for key in found}


def _key(jwk: Mapping[str, Any]) -> PublicKey:
    key = EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), SECP256R1()).public_key()
    if (jwk["kty"], jwk["crv"]) != ("EC", "P-256") or jwk["kid"] != thumbprint(key):
        raise ValueError(f"key {jwk['kid']!r} isn't what its name says")
    return key


def _number(text: str) -> int:
    if not _COORDINATE.fullmatch(text):
        raise ValueError("a coordinate isn't 32 bytes of base64url")
    return int.from_bytes(base64.urlsafe_b64decode(text + "="))


def _checkpoint(claims: Mapping[str, Any]) -> Checkpoint:
    found = Checkpoint(**claims)
    numbers = (found.seq, found.retired_through)
    if not all(type(each) is int and each >= 0 for each in numbers):
        raise ValueError("it names no line")
    if not _HASH.fullmatch(found.hash) or not math.isfinite(found.at_s):
        raise ValueError("it has no hash or no time")
    return found
