"""A checkpoint is believed when one of the given keys signed it as a checkpoint, and for nothing else."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agentctl.errors import StateDamaged, Unauthenticated
from agentctl.identity import Signer, checkpoints, verify
from agentctl.model.checkpoint import Checkpoint

SAID = Checkpoint(
    installation="here", seq=7, hash="a" * 64, at_s=1_800_000_000.5, retired_through=2
)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.open(tmp_path)


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_what_was_signed_is_what_is_read(signer: Signer) -> None:
    jws = checkpoints.sign(SAID, signer)
    assert checkpoints.read(jws, checkpoints.keys_of(signer.bundle())) == SAID
    assert checkpoints.signed_by(jws) in signer.public_keys()


@pytest.mark.parametrize(
    ("forged", "why"),
    [
        (lambda head, body, sign: f"{head}.{encoded({'seq': 8})}.{sign}", "ignature"),
        (
            lambda head, body, sign: f"{encoded({'alg': 'none'})}.{body}.",
            "signed for something else",
        ),
        (lambda head, body, sign: f"{head}.{body}.{sign[:-4]}AAAA", "ignature"),
        (lambda head, body, sign: "not a jws", "can't be trusted"),
        (lambda head, body, sign: f"{head}.{body}.{sign}" + "A" * 3000, "too long"),
    ],
)
def test_what_was_changed_is_refused(signer: Signer, forged: Any, why: str) -> None:
    jws = forged(*checkpoints.sign(SAID, signer).split("."))
    with pytest.raises(StateDamaged, match=why):
        checkpoints.read(jws, signer.public_keys())


def test_neither_an_svid_passes_for_a_checkpoint_nor_the_other_way(signer: Signer) -> None:
    svid, _ = signer.issue(
        spiffe_id="spiffe://acme/agent/a/inst-1",
        audience="agentctl-hub",
        provider="p",
        boundary="private",
        now_s=1_800_000_000.0,
    )
    with pytest.raises(StateDamaged, match="signed for something else"):
        checkpoints.read(svid, signer.public_keys())
    with pytest.raises(Unauthenticated):
        verify(
            checkpoints.sign(SAID, signer),
            signer.public_keys(),
            audience="agentctl-hub",
            trust_domain="acme",
            now_s=1_800_000_000.0,
        )
    with pytest.raises(ValueError, match="made by issue"):
        signer.sign(b"{}", kind="jwt")


@pytest.mark.parametrize(
    "nonsense", [{"seq": -1}, {"seq": True}, {"hash": "A" * 64}, {"at_s": float("inf")}]
)
def test_a_signed_checkpoint_that_names_no_line_is_refused(
    signer: Signer, nonsense: dict[str, Any]
) -> None:
    jws = checkpoints.sign(replace(SAID, **nonsense), signer)
    with pytest.raises(StateDamaged):
        checkpoints.read(jws, signer.public_keys())


def test_a_bundle_whose_key_is_not_what_its_name_says_is_refused(
    signer: Signer, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    [mine] = signer.bundle()["keys"]
    [other] = Signer.open(tmp_path / "other").bundle()["keys"]
    bundles: tuple[dict[str, Any], ...] = (
        {"keys": [other | {"kid": mine["kid"]}]},
        {"keys": [{}]},
        {},
        {"keys": 3},
    )
    for bundle in bundles:
        with pytest.raises(StateDamaged, match="no bundle"):
            checkpoints.keys_of(bundle)
