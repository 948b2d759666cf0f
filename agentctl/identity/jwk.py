"""Public keys as JWKs, and the name of a key: its thumbprint.

Source: RFC 7517 (JWK), RFC 7518 §6.2 (EC keys), RFC 7638 (thumbprints).
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

ALGORITHM = "ES256"


def thumbprint(key: EllipticCurvePublicKey) -> str:
    """Return a key's name: its JWK thumbprint, SHA-256 in URL-safe base64 (RFC 7638)."""
    canonical = json.dumps(_members(key), sort_keys=True, separators=(",", ":")).encode()
    return _base64(hashlib.sha256(canonical).digest())


def jwks(keys: Mapping[str, EllipticCurvePublicKey]) -> list[dict[str, Any]]:
    """Return the keys, given by `kid`, as a bundle lists them.

    Source: SPIFFE Trust Domain and Bundle §4.
    """
    return [
        {**_members(key), "kid": kid, "use": "jwt-svid", "alg": ALGORITHM}
        for kid, key in sorted(keys.items())
    ]


def _members(key: EllipticCurvePublicKey) -> dict[str, str]:
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
