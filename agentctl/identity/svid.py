"""Verify a JWT-SVID: what the specification demands, and nothing that it merely allows.

Source: SPIFFE JWT-SVID §2–4, RFC 8725 (JWT best practice); docs/decisions/0006-http-and-identity.md.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from jwt import PyJWS
from jwt.exceptions import PyJWTError

from agentctl.errors import Unauthenticated
from agentctl.identity import spiffe
from agentctl.identity.jwk import ALGORITHM

SVID_CHARS_MAX = 4096  # ours have about 450
LIFETIME_S_MAX = 600.0  # ten minutes at most, however it was asked for
SKEW_S = 5.0  # signer and verifier are one process, but its clock may be stepped back a little
HEADERS = frozenset({"alg", "kid", "typ"})
CLAIMS_REQUIRED = frozenset({"sub", "aud", "exp", "iat"})
CLAIMS = CLAIMS_REQUIRED | {"provider", "boundary"}

_COMPACT = re.compile(r"([A-Za-z0-9_-]{1,1024})\.([A-Za-z0-9_-]{1,3000})\.([A-Za-z0-9_-]{86})")
_JWS = PyJWS(algorithms=[ALGORITHM])


@dataclass(frozen=True, slots=True, kw_only=True)
class SvidClaims:
    """What a verified SVID says: its subject's parts, provider and boundary at birth, wall-clock times."""

    fleet: str
    agent: str
    instance: str
    provider: str
    boundary: str
    issued_at_s: float
    expires_at_s: float


def verify(
    token: str,
    keys: Mapping[str, EllipticCurvePublicKey],
    *,
    audience: str,
    trust_domain: str,
    now_s: float,
) -> SvidClaims:
    """Return the claims of an SVID signed by one of `keys` (by `kid`); `now_s` is wall-clock seconds.

    Raises Unauthenticated; its words never repeat the token. Whoever can't sign gets the same words
    for every fault, the reason as its cause; only what this hub signed is told what is wrong with it.
    """
    try:
        claims = _signed(token, keys)
    except (_NotOurs, PyJWTError) as cause:
        raise _refused("is none of this hub's") from cause
    _check_claims(claims, audience=audience, now_s=now_s)
    subject = spiffe.parse(claims["sub"]) if isinstance(claims["sub"], str) else None
    if subject is None or subject.fleet != trust_domain:
        raise _refused(f"names no agent of trust domain {trust_domain!r}")
    return SvidClaims(
        fleet=subject.fleet,
        agent=subject.agent,
        instance=subject.instance,
        provider=_text(claims, "provider"),
        boundary=_text(claims, "boundary"),
        issued_at_s=float(claims["iat"]),
        expires_at_s=float(claims["exp"]),
    )


class _NotOurs(ValueError):
    """Why a token isn't one that this hub signed."""


def _signed(token: str, keys: Mapping[str, EllipticCurvePublicKey]) -> dict[str, Any]:
    """Return the claims that one of `keys` signed; raises _NotOurs or PyJWTError."""
    parts = _COMPACT.fullmatch(token) if len(token) <= SVID_CHARS_MAX else None
    if parts is None:
        raise _NotOurs("it is no compact JWS with an ES256 signature")
    header, payload, _ = map(_decoded, parts.groups())
    key = _key_of(_object(header, "header"), keys)
    _JWS.decode(token, key, algorithms=[ALGORITHM])
    return _object(payload, "claims")


def _key_of(
    header: dict[str, Any], keys: Mapping[str, EllipticCurvePublicKey]
) -> EllipticCurvePublicKey:
    """Return the key that the header names; the algorithm is ours to say, never the token's."""
    if not header.keys() <= HEADERS:
        raise _NotOurs("it has headers other than alg, kid and typ")
    if header.get("alg") != ALGORITHM:
        raise _NotOurs(f"it is not signed with {ALGORITHM}")
    if header.get("typ", "JWT") != "JWT":
        raise _NotOurs("it is of another type than JWT")
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise _NotOurs("it names no key of this hub's")
    return key


def _check_claims(claims: dict[str, Any], *, audience: str, now_s: float) -> None:
    missing = CLAIMS_REQUIRED - claims.keys()
    if missing:
        raise _refused(f"lacks {', '.join(sorted(missing))}")
    if not claims.keys() <= CLAIMS:
        raise _refused("has claims that this hub never issues")
    if claims["aud"] != [audience] and claims["aud"] != audience:
        raise _refused("is for another audience, or for several")
    issued_s, expires_s = _time(claims, "iat"), _time(claims, "exp")
    if not 0 < expires_s - issued_s <= LIFETIME_S_MAX:
        raise _refused(f"is valid for more than {LIFETIME_S_MAX:.0f} s, or for none")
    if issued_s > now_s + SKEW_S:
        raise _refused("was issued in the future")
    if now_s >= expires_s:
        raise _refused("has expired")


def _time(claims: dict[str, Any], name: str) -> int:
    value = claims[name]
    if type(value) is not int:  # bool is an int, and a float may be NaN
        raise _refused(f"has an {name} that is no whole number of seconds")
    return value


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str):
        raise _refused(f"has a {name} that is no text")
    return value


def _decoded(part: str) -> bytes:
    """Return a part's bytes; one token has one spelling (RFC 4648 §3.5: the unused bits are zero)."""
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError as cause:
        raise _NotOurs("a part of it is no base64url") from cause
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise _NotOurs("a part of it has another spelling than base64url gives it")
    return raw


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as cause:
        raise _NotOurs(f"its {what} is no JSON") from cause
    if not isinstance(found, dict):
        raise _NotOurs(f"its {what} is no JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")  # two readers would see two tokens
    return found


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(
        f"the SVID {why}", hint="get a fresh one with the instance token: POST /api/hub/svid"
    )
