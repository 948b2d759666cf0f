"""A new key signs at once; the ones before verify while their SVIDs may live, and then are gone."""

import os
from pathlib import Path

import jwt
import pytest
from spiffe import JwtBundle, JwtSvid, TrustDomain

from agentctl.errors import Conflict
from agentctl.identity import Signer, verify
from agentctl.identity.signer import RETIRED_AFTER_S, VERIFYING_MAX

SUBJECT = "spiffe://acme/agent/researcher/inst-00000000000000000000000001"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def svid(signer: Signer, now_s: float) -> str:
    token, _ = signer.issue(
        spiffe_id=SUBJECT, audience="agentctl-hub", provider="p", boundary="b", now_s=now_s
    )
    return token


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def age(keys: Path, kid: str, at_s: float) -> None:
    os.utime(keys / f"svid-{kid}.pem", (at_s, at_s))


def test_both_keys_verify_and_the_new_one_signs(keys: Path) -> None:
    old = Signer.open(keys)
    token = svid(old, 1000.0)
    age(keys, old.kid, 1.0)
    new = old.rotated()
    assert kid_of(svid(new, 1000.0)) == new.kid != old.kid
    for each in (token, svid(new, 1000.0)):
        claims = verify(
            each, new.public_keys(), audience="agentctl-hub", trust_domain="acme", now_s=1001.0
        )
        assert claims.agent == "researcher"


def test_an_old_key_goes_once_its_svids_are_dead_and_not_before(keys: Path) -> None:
    old = Signer.open(keys)
    age(keys, old.kid, 1.0)
    new = old.rotated()
    made_s = new.made_at_s
    assert new.retired(now_s=made_s + RETIRED_AFTER_S - 1) is new
    alone = new.retired(now_s=made_s + RETIRED_AFTER_S + 1)
    assert set(alone.public_keys()) == {new.kid}
    assert not (keys / f"svid-{old.kid}.pem").exists()
    assert {each["kid"] for each in alone.bundle()["keys"]} == {new.kid}
    assert {each["kid"] for each in alone.checkpoint_keys()} == {old.kid, new.kid}
    assert set(Signer.open(keys).public_keys()) == {new.kid}


def test_a_crash_while_retiring_leaves_a_set_that_opens(keys: Path) -> None:
    old = Signer.open(keys)
    age(keys, old.kid, 1.0)
    new = old.rotated()
    private = (keys / f"svid-{old.kid}.pem").read_bytes()
    new.retired(now_s=new.made_at_s + RETIRED_AFTER_S + 1)
    (keys / f"svid-{old.kid}.pem").write_bytes(private)  # as if it had not been deleted any more
    (keys / f"svid-{old.kid}.pem").chmod(0o600)
    age(keys, old.kid, 1.0)
    again = Signer.open(keys)
    assert again.kid == new.kid
    assert set(again.retired(now_s=new.made_at_s + 10_000.0).public_keys()) == {new.kid}


def test_keys_are_not_heaped_up(keys: Path) -> None:
    signer = Signer.open(keys)
    for _ in range(VERIFYING_MAX - 1):
        signer = signer.rotated()
    with pytest.raises(Conflict, match="verify already"):
        signer.rotated()


def test_the_spiffe_package_and_pyjwt_accept_svids_of_both_keys_by_the_bundle(keys: Path) -> None:
    import json
    import time

    old = Signer.open(keys)
    token = svid(old, time.time())
    age(keys, old.kid, 1.0)
    new = old.rotated()
    bundle = new.bundle()
    parsed = JwtBundle.parse(TrustDomain("acme"), json.dumps(bundle).encode())
    jwks = jwt.PyJWKSet.from_dict(bundle)
    for each in (token, svid(new, time.time())):
        found = JwtSvid.parse_and_validate(each, parsed, {"agentctl-hub"})
        assert str(found.spiffe_id) == SUBJECT
        key = jwks[kid_of(each)]
        claims = jwt.decode(each, key, algorithms=["ES256"], audience="agentctl-hub")
        assert claims["sub"] == SUBJECT
