"""Keys are made once, in files that the owner alone reads; a seal opens for exactly its parts."""

import stat
from pathlib import Path

import pytest

from agentctl.errors import ConfigError, StateDamaged
from agentctl.identity import Seal, Signer, keyfile

TASK = "task-01jdz0000000000000000000aa"
INSTANCE = "inst-01jdz0000000000000000000bb"


def kids(signer: Signer) -> list[str]:
    return sorted(signer.public_keys())


def test_the_first_start_makes_a_key_and_the_next_one_finds_it(tmp_path: Path) -> None:
    first = Signer.open(tmp_path)
    assert kids(first) == kids(Signer.open(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [f"svid-{kids(first)[0]}.pem"]


def test_a_key_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    Signer.open(tmp_path)
    Seal.open(tmp_path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
@pytest.mark.parametrize("kind", [Signer, Seal])
def test_a_key_that_others_may_read_or_write_is_refused(
    tmp_path: Path, kind: type[Signer] | type[Seal], mode: int
) -> None:
    kind.open(tmp_path)
    [path] = tmp_path.iterdir()
    path.chmod(mode)
    with pytest.raises(ConfigError, match="others may read"):
        kind.open(tmp_path)


def test_a_symlink_is_no_key_file(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    keyfile.create(elsewhere, b"k" * 32)
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "seal.key").symlink_to(elsewhere)
    with pytest.raises(ConfigError, match="cannot read the key"):
        Seal.open(keys)


def test_a_damaged_key_is_said_to_be_damaged_and_never_replaced(tmp_path: Path) -> None:
    Signer.open(tmp_path)
    [path] = tmp_path.iterdir()
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nnonsense\n")
    with pytest.raises(StateDamaged, match="is not a private key"):
        Signer.open(tmp_path)
    assert path.read_bytes().endswith(b"nonsense\n")


def test_a_key_under_another_keys_name_is_refused(tmp_path: Path) -> None:
    Signer.open(tmp_path)
    [path] = tmp_path.iterdir()
    path.rename(tmp_path / f"svid-{'A' * 43}.pem")
    with pytest.raises(StateDamaged, match="another key than its name says"):
        Signer.open(tmp_path)


def test_creating_a_key_twice_keeps_the_first_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "seal.key"
    keyfile.create(path, b"first")
    keyfile.create(path, b"second")
    assert path.read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == ["seal.key"]


def test_a_seal_is_43_url_safe_characters_and_opens_for_its_parts_alone(tmp_path: Path) -> None:
    seal = Seal.open(tmp_path)
    sealed = seal.seal(("ab", "c"))
    assert len(sealed) == 43
    assert seal.opens(sealed, ("ab", "c"))
    for other in [("a", "bc"), ("abc",), ("ab", "c", ""), ("ab", "C"), ()]:
        assert not seal.opens(sealed, other), other


def test_another_installations_seal_does_not_open(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    theirs.mkdir()
    sealed = Seal.open(theirs).seal(("a",))
    assert not Seal.open(ours).opens(sealed, ("a",))


def test_a_model_token_is_good_for_one_attempt_of_one_instance(tmp_path: Path) -> None:
    seal = Seal.open(tmp_path)
    token = seal.model_token(TASK, 2, INSTANCE)
    assert token.startswith(f"mt1.{TASK}.2.{INSTANCE}.")
    said = seal.opened(token)
    assert said is not None
    assert (said.task, said.attempt, said.instance) == (TASK, 2, INSTANCE)
    for bent in (
        token.replace(".2.", ".3."),
        token.replace(INSTANCE, "inst-another"),
        token.replace(TASK, "task-another"),
        f"{token}\n",
        "",
    ):
        assert seal.opened(bent) is None


def test_a_seal_survives_a_restart(tmp_path: Path) -> None:
    token = Seal.open(tmp_path).model_token(TASK, 1, INSTANCE)
    assert Seal.open(tmp_path).opened(token)
