"""An SVID is accepted as issued, by us and by others' libraries; every bent one is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt import PyJWKSet

from agentctl.errors import Unauthenticated
from agentctl.identity import Signer, SvidClaims, verify
from agentctl.identity.jwk import thumbprint
from agentctl.identity.keyring import SigningKey

NOW_S = 1_800_000_000.0
AUDIENCE = "agentctl-hub"
FLEET = "acme"
INSTANCE = "inst-01jdz0000000000000000000bb"
SUBJECT = f"spiffe://{FLEET}/agent/researcher/{INSTANCE}"

KEY = ec.generate_private_key(ec.SECP256R1())
KID = thumbprint(KEY.public_key())
OTHER = ec.generate_private_key(ec.SECP256R1())
SIGNER = Signer(Path(), [SigningKey(kid=KID, sequence=1, made_at_s=NOW_S, private=KEY)], {})
PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)


def checked(token: str, *, now_s: float = NOW_S) -> SvidClaims:
    return verify(token, SIGNER.public_keys(), audience=AUDIENCE, trust_domain=FLEET, now_s=now_s)


def issued(**changed: Any) -> str:
    arguments = {
        "spiffe_id": SUBJECT,
        "audience": AUDIENCE,
        "provider": "ollama-qwen3",
        "boundary": "private",
        "now_s": NOW_S,
        **changed,
    }
    return SIGNER.issue(**arguments)[0]


def claims(**changed: Any) -> dict[str, Any]:
    found = {
        "sub": SUBJECT,
        "aud": [AUDIENCE],
        "iat": int(NOW_S),
        "exp": int(NOW_S) + 300,
        "provider": "ollama-qwen3",
        "boundary": "private",
        **changed,
    }
    return {name: value for name, value in found.items() if value is not ...}


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(
    payload: dict[str, Any] | bytes, *, header: dict[str, Any] | None = None, key: Any = KEY
) -> str:
    """Sign anything at all with ES256, as no library would let one."""
    head = {"alg": "ES256", "kid": KID, "typ": "JWT"} if header is None else header
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    message = f"{b64(json.dumps(head).encode())}.{b64(raw)}"
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(
        message.encode(), key
    )
    return f"{message}.{b64(signature)}"


def with_hmac(secret: bytes, header: dict[str, Any]) -> str:
    message = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims()).encode())}"
    mac = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return f"{message}.{b64(mac)}"


def rsa_signed() -> str:
    key = rsa.generate_private_key(65537, 2048)
    return jwt.encode(claims(), key, algorithm="RS256", headers={"kid": KID})


def spliced() -> str:
    """The payload of one token under the signature of another."""
    one, two = issued().split("."), issued(provider="claude-opus").split(".")
    return f"{one[0]}.{two[1]}.{one[2]}"


def header_twice() -> str:
    head = json.dumps(HEAD)[:-1].encode() + b', "alg": "none"}'
    return f"{b64(head)}.{issued().partition('.')[2]}"


HEAD = {"alg": "ES256", "kid": KID, "typ": "JWT"}

BENT: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "three dots": lambda: "...",
    "an opaque token": lambda: f"it1.{INSTANCE}.{'s' * 43}",
    "alg none, no signature": lambda: (
        f"{b64(json.dumps({**HEAD, 'alg': 'none'}).encode())}.{b64(json.dumps(claims()).encode())}."
    ),
    "alg none, signed": lambda: signed(claims(), header={**HEAD, "alg": "none"}),
    "alg None in another case": lambda: signed(claims(), header={**HEAD, "alg": "nOnE"}),
    "alg missing": lambda: signed(claims(), header={"kid": KID}),
    "alg ES384": lambda: signed(claims(), header={**HEAD, "alg": "ES384"}),
    "HS256 with the public key as secret": lambda: with_hmac(PUBLIC_PEM, {**HEAD, "alg": "HS256"}),
    "HMAC under the header ES256": lambda: with_hmac(PUBLIC_PEM, HEAD),
    "RS256 by somebody": rsa_signed,
    "another key under our kid": lambda: signed(claims(), key=OTHER),
    "unknown kid": lambda: signed(claims(), header={**HEAD, "kid": "other"}),
    "no kid": lambda: signed(claims(), header={"alg": "ES256"}),
    "kid is a path": lambda: signed(claims(), header={**HEAD, "kid": "../../dev/null"}),
    "kid is a list": lambda: signed(claims(), header={**HEAD, "kid": [KID]}),
    "jku": lambda: signed(claims(), header={**HEAD, "jku": "http://127.0.0.1/keys"}),
    "jwk": lambda: signed(claims(), header={**HEAD, "jwk": {"kty": "EC"}}, key=OTHER),
    "x5u": lambda: signed(claims(), header={**HEAD, "x5u": "http://127.0.0.1/c"}),
    "x5c": lambda: signed(claims(), header={**HEAD, "x5c": ["MII"]}),
    "crit": lambda: signed(claims(), header={**HEAD, "crit": ["exp"]}),
    "typ of another kind": lambda: signed(claims(), header={**HEAD, "typ": "at+jwt"}),
    "a header twice": header_twice,
    "payload of another token": spliced,
    "signature cut": lambda: issued()[:-1],
    "signature all zero": lambda: f"{issued().rpartition('.')[0]}.{'A' * 86}",
    "trailing newline": lambda: f"{issued()}\n",
    "leading space": lambda: f" {issued()}",
    "padding": lambda: f"{issued()}==",
    "a fourth part": lambda: f"{issued()}.x",
    "very long": lambda: signed(claims(provider="p" * 5000)),
    "no exp": lambda: signed(claims(exp=...)),
    "no iat": lambda: signed(claims(iat=...)),
    "no sub": lambda: signed(claims(sub=...)),
    "no aud": lambda: signed(claims(aud=...)),
    "expired": lambda: signed(claims(iat=int(NOW_S) - 400, exp=int(NOW_S) - 1)),
    "expires this second": lambda: signed(claims(iat=int(NOW_S) - 300, exp=int(NOW_S))),
    "ten years": lambda: signed(claims(exp=int(NOW_S) + 315_360_000)),
    "a second more than ten minutes": lambda: signed(claims(exp=int(NOW_S) + 601)),
    "from the future": lambda: signed(claims(iat=int(NOW_S) + 60, exp=int(NOW_S) + 120)),
    "ends before it begins": lambda: signed(claims(exp=int(NOW_S) - 10)),
    "exp is text": lambda: signed(claims(exp=str(int(NOW_S) + 300))),
    "exp is true": lambda: signed(claims(exp=True)),
    "exp is NaN": lambda: signed(json.dumps(claims(exp=float("nan"))).encode()),
    "exp is infinite": lambda: signed(json.dumps(claims(exp=float("inf"))).encode()),
    "another audience": lambda: signed(claims(aud=["somebody-else"])),
    "several audiences": lambda: signed(claims(aud=[AUDIENCE, "somebody-else"])),
    "the audience twice": lambda: signed(claims(aud=[AUDIENCE, AUDIENCE])),
    "no audience in the list": lambda: signed(claims(aud=[])),
    "an audience that begins alike": lambda: signed(claims(aud=f"{AUDIENCE}-2")),
    "another trust domain": lambda: signed(claims(sub=SUBJECT.replace("acme", "evil"))),
    "a trust domain that begins alike": lambda: signed(
        claims(sub=SUBJECT.replace("acme", "acme.x"))
    ),
    "no SPIFFE ID": lambda: signed(claims(sub="researcher")),
    "not an agent's SPIFFE ID": lambda: signed(
        claims(sub=f"spiffe://{FLEET}/operator/root/{INSTANCE}")
    ),
    "a longer SPIFFE ID": lambda: signed(claims(sub=f"{SUBJECT}/more")),
    "a SPIFFE ID with a newline": lambda: signed(claims(sub=f"{SUBJECT}\n")),
    "a SPIFFE ID with dots": lambda: signed(claims(sub=f"spiffe://{FLEET}/agent/../{INSTANCE}")),
    "sub is a list": lambda: signed(claims(sub=[SUBJECT])),
    "a claim of its own": lambda: signed(claims(role="admin")),
    "nbf": lambda: signed(claims(nbf=int(NOW_S) + 1000)),
    "provider is no text": lambda: signed(claims(provider=["ollama"])),
    "a claim twice": lambda: signed(
        json.dumps(claims())[:-1].encode() + f', "sub": "{SUBJECT}"}}'.encode()
    ),
    "claims are a list": lambda: signed(b"[]"),
    "claims are no JSON": lambda: signed(b"{"),
    "claims are not UTF-8": lambda: signed(b'{"sub": "\xff"}'),
    "claims are nested deeply": lambda: signed(b"[" * 1500),
}


@pytest.mark.parametrize("name", BENT)
def test_a_bent_svid_is_refused_and_never_repeated(name: str) -> None:
    token = BENT[name]()
    with pytest.raises(Unauthenticated) as refusal:
        checked(token)
    assert refusal.value.hint
    for part in filter(lambda each: len(each) > 8, token.split(".")):
        assert part not in str(refusal.value)


def test_the_matrix_bends_something_that_was_good() -> None:
    assert checked(signed(claims())) == checked(issued())
    assert checked(signed(claims(aud=AUDIENCE))).agent == "researcher"
    assert len(BENT) >= 40


def test_an_issued_svid_says_who_where_from_and_until_when() -> None:
    assert checked(issued()) == SvidClaims(
        fleet="acme",
        agent="researcher",
        instance=INSTANCE,
        provider="ollama-qwen3",
        boundary="private",
        issued_at_s=NOW_S,
        expires_at_s=NOW_S + 300,
    )


def test_an_svid_ends_at_its_expiry_to_the_second() -> None:
    token = issued()
    assert checked(token, now_s=NOW_S + 299.9)
    with pytest.raises(Unauthenticated, match="has expired"):
        checked(token, now_s=NOW_S + 300)


def test_a_clock_stepped_back_a_little_refuses_nobody() -> None:
    assert checked(issued(), now_s=NOW_S - 4)
    with pytest.raises(Unauthenticated, match="future"):
        checked(issued(), now_s=NOW_S - 6)


def test_the_header_has_alg_kid_and_typ_alone() -> None:
    assert jwt.get_unverified_header(issued()) == {"alg": "ES256", "kid": KID, "typ": "JWT"}


@pytest.mark.parametrize(
    "changed",
    [
        {"lifetime_s": 601.0},
        {"lifetime_s": 0.0},
        {"spiffe_id": f"{SUBJECT}\n"},
        {"spiffe_id": "https://acme/agent/a/b"},
    ],
)
def test_the_signer_refuses_to_sign_what_nobody_would_accept(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"subject|lives"):
        issued(**changed)


def test_plain_pyjwt_accepts_the_svid_with_the_bundle() -> None:
    bundle = json.loads(json.dumps(SIGNER.bundle()))
    token = issued()
    key = PyJWKSet.from_dict(bundle)[jwt.get_unverified_header(token)["kid"]]
    found = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert found["sub"] == SUBJECT


def test_the_bundle_holds_public_members_alone(tmp_path: Path) -> None:
    [key] = Signer.open(tmp_path).bundle()["keys"]
    assert key["use"] == "jwt-svid"
    assert sorted(key) == ["alg", "crv", "kid", "kty", "use", "x", "y"]
