"""A new key signs at once; the ones before verify while their SVIDs may live, and then are gone."""

import os
import stat
from pathlib import Path

import jwt
import pytest
from spiffe import JwtBundle, JwtSvid, TrustDomain

from agentctl.errors import Conflict
from agentctl.identity import Signer, keyfile, verify
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


def rotated(signer: Signer, now_s: float = 1000.0) -> Signer:
    new = signer.rotated(now_s=now_s)
    new.take_effect()
    return new


def retired(signer: Signer, now_s: float) -> Signer:
    gone = signer.outlived(now_s=now_s)
    alone = signer.without(gone)
    alone.forget(gone)
    return alone


def files(keys: Path) -> list[Path]:
    return sorted(keys.iterdir())


def test_both_keys_verify_and_the_new_one_signs(keys: Path) -> None:
    old = Signer.open(keys)
    token = svid(old, 1000.0)
    new = rotated(old)
    assert kid_of(svid(new, 1000.0)) == new.kid != old.kid
    for each in (token, svid(new, 1000.0)):
        claims = verify(
            each, new.public_keys(), audience="agentctl-hub", trust_domain="acme", now_s=1001.0
        )
        assert claims.agent == "researcher"


def test_an_old_key_goes_once_its_svids_are_dead_and_not_before(keys: Path) -> None:
    old = Signer.open(keys)
    new = rotated(old, 5000.0)
    assert new.outlived(now_s=5000.0 + RETIRED_AFTER_S - 1) == ()
    alone = retired(new, 5000.0 + RETIRED_AFTER_S)
    assert set(alone.public_keys()) == {new.kid}
    assert not (keys / f"svid-{old.kid}.pem").exists()
    assert {each["kid"] for each in alone.bundle()["keys"]} == {new.kid}
    assert {each["kid"] for each in alone.checkpoint_keys()} == {old.kid, new.kid}
    assert set(Signer.open(keys).public_keys()) == {new.kid}
    assert {each["kid"] for each in Signer.open(keys).checkpoint_keys()} == {old.kid, new.kid}


def test_the_key_that_signs_is_never_retired(keys: Path) -> None:
    new = rotated(Signer.open(keys))
    assert new.kid not in new.outlived(now_s=1e12)
    assert new.without((new.kid,)).kid == new.kid


def test_a_crash_while_retiring_leaves_a_set_that_opens_without_it(keys: Path) -> None:
    old = Signer.open(keys)
    new = rotated(old)
    new.without((old.kid,))  # and the private half is not deleted any more
    assert (keys / f"svid-{old.kid}.pem").exists()
    again = Signer.open(keys)
    assert set(again.public_keys()) == {new.kid}
    assert not (keys / f"svid-{old.kid}.pem").exists()


def test_a_retired_key_that_is_copied_back_verifies_nothing(keys: Path) -> None:
    old = Signer.open(keys)
    stolen = (keys / f"svid-{old.kid}.pem").read_bytes()
    new = retired(rotated(old), 10_000.0)
    keyfile.create(keys / f"svid-{old.kid}.pem", stolen)
    assert set(Signer.open(keys).public_keys()) == {new.kid}


@pytest.mark.parametrize("times", [(1, 1, 1), (3, 2, 1), (1, 3, 2)])
def test_which_key_signs_does_not_hang_on_any_clock(keys: Path, times: tuple[int, ...]) -> None:
    first = Signer.open(keys, now_s=9000.0)
    second = rotated(first, 8000.0)  # the clock was set back
    third = rotated(second, 1.0)
    for kid, at_s in zip((first.kid, second.kid, third.kid), times, strict=True):
        os.utime(keys / f"svid-{kid}.pem", (at_s, at_s))
    again = Signer.open(keys)
    assert (again.kid, again.made_at_s) == (third.kid, 1.0)


def test_a_directory_that_was_copied_signs_with_the_same_key(keys: Path, tmp_path: Path) -> None:
    new = rotated(Signer.open(keys))
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in reversed(files(keys)):
        if path.is_file():
            keyfile.create(copy / path.name, path.read_bytes())
    assert Signer.open(copy).kid == new.kid


def test_a_rotation_that_a_crash_cut_off_holds_exactly_when_it_is_on_record(keys: Path) -> None:
    old = Signer.open(keys)
    prepared = old.rotated(now_s=1000.0)  # written, and not in force
    again = Signer.open(keys, recorded=prepared.kid)
    assert again.kid == prepared.kid
    assert set(again.public_keys()) == {old.kid, prepared.kid}
    other = again.rotated(now_s=2000.0)
    assert Signer.open(keys, recorded=prepared.kid).kid == prepared.kid
    assert other.kid not in " ".join(each.name for each in files(keys))


def test_files_that_are_older_than_the_record_do_not_bring_an_old_key_back(keys: Path) -> None:
    old = Signer.open(keys)
    before = (keys / f"svid-{old.kid}.pem").read_bytes()
    new = rotated(old)
    for path in files(keys):
        path.unlink()
    keyfile.create(keys / f"svid-{old.kid}.pem", before)  # restored from a backup
    again = Signer.open(keys, recorded=new.kid, now_s=3000.0)
    assert again.kid not in (old.kid, new.kid)
    assert old.kid in again.public_keys()
    assert Signer.open(keys, recorded=again.kid).kid == again.kid


def test_a_store_that_is_older_than_the_files_changes_nothing(keys: Path) -> None:
    old = Signer.open(keys)
    new = rotated(old)
    assert Signer.open(keys, recorded=old.kid).kid == new.kid
    assert retired(new, 10_000.0).kid == Signer.open(keys, recorded=old.kid).kid == new.kid


def unnumbered(keys: Path, at_s: float) -> str:
    """Make a key as files were before they had numbers."""
    elsewhere = keys / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    kid = Signer.open(elsewhere).kid
    name = f"svid-{kid}.pem"
    pem = (elsewhere / name).read_bytes().partition(b"-----BEGIN")
    (elsewhere / name).unlink()
    keyfile.create(keys / name, pem[1] + pem[2])
    os.utime(keys / name, (at_s, at_s))
    return kid


def test_keys_from_before_they_had_numbers_get_them_once(keys: Path) -> None:
    middle, newest, oldest = (unnumbered(keys, at_s) for at_s in (2000.0, 3000.0, 1000.0))
    opened = Signer.open(keys)
    assert (opened.kid, opened.made_at_s) == (newest, 3000.0)
    assert set(opened.public_keys()) == {oldest, middle, newest}
    os.utime(keys / f"svid-{oldest}.pem")  # from now on times say nothing
    assert Signer.open(keys).kid == newest
    assert stat.S_IMODE((keys / f"svid-{newest}.pem").stat().st_mode) == 0o600


def test_numbering_that_a_crash_cut_off_never_lets_an_older_key_sign(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    oldest, newest = unnumbered(keys, 1000.0), unnumbered(keys, 2000.0)
    replaced = keyfile.replace
    written: list[Path] = []

    def full_after_one(path: Path, content: bytes) -> None:
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)
        replaced(path, content)

    monkeypatch.setattr(keyfile, "replace", full_after_one)
    assert Signer.open(keys).kid == newest
    os.utime(keys / f"svid-{oldest}.pem")
    assert Signer.open(keys).kid == newest
    assert oldest in Signer.open(keys).public_keys()


def test_keys_are_not_heaped_up(keys: Path) -> None:
    signer = Signer.open(keys)
    for _ in range(VERIFYING_MAX - 1):
        signer = rotated(signer)
    with pytest.raises(Conflict, match="verify already"):
        signer.rotated(now_s=1000.0)


def test_the_spiffe_package_and_pyjwt_accept_svids_of_both_keys_by_the_bundle(keys: Path) -> None:
    import json
    import time

    old = Signer.open(keys)
    token = svid(old, time.time())
    new = rotated(old)
    bundle = new.bundle()
    parsed = JwtBundle.parse(TrustDomain("acme"), json.dumps(bundle).encode())
    jwks = jwt.PyJWKSet.from_dict(bundle)
    for each in (token, svid(new, time.time())):
        found = JwtSvid.parse_and_validate(each, parsed, {"agentctl-hub"})
        assert str(found.spiffe_id) == SUBJECT
        key = jwks[kid_of(each)]
        claims = jwt.decode(each, key, algorithms=["ES256"], audience="agentctl-hub")
        assert claims["sub"] == SUBJECT
