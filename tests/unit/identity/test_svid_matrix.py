"""An SVID is accepted as issued, by us and by others' libraries; every bent one is refused."""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt import PyJWKSet

from agentctl.errors import Unauthenticated
from agentctl.identity import Signer, SvidClaims, verify
from agentctl.identity.jwk import thumbprint
from agentctl.identity.keyring import SigningKey
from tests.fakes.forge import Bent, Forge

NOW_S = 1_800_000_000.0
AUDIENCE = "agentctl-hub"
FLEET = "acme"
INSTANCE = "inst-01jdz0000000000000000000bb"
SUBJECT = f"spiffe://{FLEET}/agent/researcher/{INSTANCE}"

KEY = ec.generate_private_key(ec.SECP256R1())
KID = thumbprint(KEY.public_key())
SIGNER = Signer(Path(), [SigningKey(kid=KID, sequence=1, made_at_s=NOW_S, private=KEY)], {})


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


FORGE = Forge(key=KEY, kid=KID, fleet=FLEET, agent="researcher", instance=INSTANCE, now_s=NOW_S)
BENT: Bent = {
    **FORGE.forged(),
    **FORGE.misissued(),
    "empty": lambda: "",
    "expires this second": lambda: FORGE.signed(FORGE.claims(iat=int(NOW_S) - 300, exp=int(NOW_S))),
}


@pytest.mark.parametrize("name", BENT)
def test_a_bent_svid_is_refused_and_never_repeated(name: str) -> None:
    token = BENT[name]()
    with pytest.raises(Unauthenticated) as refusal:
        checked(token)
    assert refusal.value.hint
    for part in filter(lambda each: len(each) > 8, token.split(".")):
        assert part not in str(refusal.value)


@pytest.mark.parametrize("name", FORGE.forged())
def test_whoever_cannot_sign_learns_nothing_about_why(name: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        checked(FORGE.forged()[name]())
    assert refusal.value.detail == "the SVID is none of this hub's"
    assert refusal.value.__cause__ is not None


def test_the_matrix_bends_something_that_was_good() -> None:
    good = FORGE.signed(FORGE.claims(provider="ollama-qwen3"))
    assert checked(good) == checked(issued())
    assert checked(FORGE.signed(FORGE.claims(aud=AUDIENCE))).agent == "researcher"
    for each in FORGE.of_somebody_else().values():
        assert checked(each()).instance  # what only the registry can refuse
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
