"""Checkpoints and backups over the operators' listeners: who may ask, what comes back, what is journaled."""

from pathlib import Path
from typing import Any

import pytest

from agentctl.identity import checkpoints
from agentctl.store import checks
from tests.contract.hub.conftest import Listener, Whole

CHECKPOINTS = "/api/hub/journal/checkpoints"
BACKUPS = "/api/hub/backups"


def lines(listener: Listener, after: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = listener.ask("GET", f"/api/hub/journal?after={after}").json[
        "lines"
    ]
    return found


def kinds(listener: Listener) -> list[str]:
    return [each["entry"]["kind"] for each in lines(listener)]


def token(whole: Whole, role: str) -> str:
    body = {"name": f"a-{role}", "role": role, "ttl_s": 600}
    made: str = whole.operators.ask("POST", "/api/hub/tokens", body).json["token"]
    return made


def test_the_journal_says_where_it_begins_and_ends(whole: Whole) -> None:
    whole.apply()
    found = whole.operators.ask("GET", "/api/hub/journal?limit=1").json
    newest = lines(whole.operators)[-1]
    assert found["head"] == {"seq": newest["seq"], "hash": newest["hash"]}
    assert found["beginning"]["seq"] == 0


def test_a_checkpoint_is_the_newest_line_signed_by_a_key_of_the_bundle(whole: Whole) -> None:
    assert whole.operators.ask("POST", CHECKPOINTS, {}).status_code == 404
    whole.apply()
    made = whole.operators.ask("POST", CHECKPOINTS, {}).json
    newest = lines(whole.operators)[-1]
    bundle = whole.remote.ask("GET", "/.well-known/spiffe-bundle").json
    said = checkpoints.read(made["jws"], checkpoints.keys_of(bundle))
    assert (said.seq, said.hash) == (newest["seq"], newest["hash"])
    assert said.hash == made["hash"]
    listed = whole.operators.ask("GET", CHECKPOINTS).json
    assert [each["jws"] for each in listed["checkpoints"]] == [made["jws"]]
    assert listed["keys"] == bundle["keys"]


def test_asking_again_with_nothing_new_makes_no_new_checkpoint(whole: Whole) -> None:
    whole.apply()
    first = whole.operators.ask("POST", CHECKPOINTS, {}).json
    assert whole.operators.ask("POST", CHECKPOINTS, {}).json == first
    assert len(whole.operators.ask("GET", CHECKPOINTS).json["checkpoints"]) == 1


def test_a_viewer_may_read_checkpoints_and_make_none(whole: Whole) -> None:
    whole.apply()
    viewer = token(whole, "viewer")
    assert whole.remote.ask("GET", CHECKPOINTS, bearer=viewer).status_code == 200
    refused = whole.remote.ask("POST", CHECKPOINTS, {}, bearer=viewer)
    assert (refused.status_code, refused.json["rule"]) == (403, "roles")
    made = whole.remote.ask("POST", CHECKPOINTS, {}, bearer=token(whole, "operator"))
    assert made.status_code == 200


def test_a_backup_holds_the_state_and_a_signed_checkpoint_and_is_journaled(
    whole: Whole, tmp_path: Path
) -> None:
    whole.apply()
    target = tmp_path / "backup"
    made = whole.operators.ask("POST", BACKUPS, {"directory": str(target)})
    assert made.status_code == 201, made.json
    assert oct(target.stat().st_mode & 0o777) == "0o700"
    assert sorted(each.name for each in target.iterdir()) == [
        "checkpoint.json",
        "data.mdb",
        "installation",
    ]
    assert all(each.stat().st_mode & 0o077 == 0 for each in target.iterdir())
    assert kinds(whole.operators)[-2:] == ["state.backup.began", "state.backup.made"]
    assert checks.wrong_in(target) == []
    assert checks.head_of(target).seq == made.json["checkpoint"]["seq"]


def test_no_token_makes_a_backup_an_admins_neither(whole: Whole, tmp_path: Path) -> None:
    admin = token(whole, "admin")
    body = {"directory": str(tmp_path / "backup")}
    refused = whole.remote.ask("POST", BACKUPS, body, bearer=admin)
    assert (refused.status_code, refused.json["rule"]) == (403, "operator-socket")
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize(
    ("directory", "status"),
    [
        ("relative", 422),
        ("/nowhere/at/all", 422),
        ("/tmp/../tmp/x", 422),
        ("/", 422),
        ("/tmp/a\0b", 422),
        ("{here}", 409),
        ("{here}/file/x", 422),
        ("{here}/dangling", 409),
    ],
)
def test_a_backup_goes_to_a_new_directory_in_one_that_is_there(
    whole: Whole, tmp_path: Path, directory: str, status: int
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere")
    body = {"directory": directory.replace("{here}", str(tmp_path))}
    refused = whole.operators.ask("POST", BACKUPS, body)
    assert refused.status_code == status, refused.json
    assert not (tmp_path / "elsewhere").exists()


def test_a_backup_that_fails_says_so_in_the_journal(whole: Whole, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.with_name("backup.partial").write_text("in the way")
    refused = whole.operators.ask("POST", BACKUPS, {"directory": str(target)})
    assert refused.status_code == 503
    assert kinds(whole.operators)[-1] == "state.backup.failed"
    assert not target.exists()
