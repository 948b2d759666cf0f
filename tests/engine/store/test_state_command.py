"""`agentctl state` as an operator runs it, with the hub stopped: verify, export, restore."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agentctl.bootstrap import open_hub
from agentctl.model.quarantine import Quarantine
from agentctl.service import tokens
from agentctl.store import Store, instances, journal, quarantined_agents, workspaces
from tests.engine.store import old_stores
from tests.engine.store.states import ADMIN, State
from tests.fakes.store_records import instance

DIGEST = "d" * 64


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path, "state")


def test_a_restore_brings_back_the_backup_and_says_in_the_journal_what_it_replaced(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.with_hub(2, backup=tmp_path / "backup")
    assert state.run("restore", str(tmp_path / "backup"), "--yes") == 0
    told = capsys.readouterr()
    assert "are in the store before it alone" in told.err
    assert state.kept() == state.tasks[:2]
    store = Store.open(state.paths.store)
    with store.read() as txn:
        newest = journal.read(txn, journal.head(txn).seq - 1)[0].entry
    store.close()
    assert (newest.kind, newest.subject) == ("state.restored", str(tmp_path / "backup"))
    assert int(newest.facts["replaced_line"]) > int(newest.facts["line"])
    [aside] = state.paths.state.glob("store-before-*")
    assert state.run("verify", str(aside)) == 0


def test_a_restore_lifts_no_quarantine_and_lowers_no_workspace(
    state: State, tmp_path: Path
) -> None:
    """The containers and the volumes are the ones of today."""
    state.with_hub(1)
    store = Store.open(state.paths.store)
    born = instance("inst-1", label="internal")
    store.write(lambda txn: workspaces.serve(txn, born))
    store.backup(tmp_path / "backup")
    store.write(lambda txn: workspaces.serve(txn, replace(born, label="restricted")))
    apart = Quarantine(agent="thinker", who="operator:a", why="odd", since_s=1.0)
    store.write(lambda txn: quarantined_agents.put(txn, apart))
    store.close()
    assert state.run("restore", str(tmp_path / "backup"), "--yes") == 0
    store = Store.open(state.paths.store)
    with store.read() as txn:
        assert quarantined_agents.names(txn) == {"thinker"}
        [kept] = workspaces.all(txn)
    store.close()
    assert kept.served == ("internal", "restricted")
    assert kept.pairs == (("internal", "private"), ("restricted", "private"))


def test_a_restore_on_another_machine_makes_it_the_backups_installation(
    state: State, tmp_path: Path
) -> None:
    state.with_hub(1, backup=tmp_path / "backup")
    other = State(tmp_path, "other")
    other.with_hub(1)
    before = other.paths.installation.read_text()
    assert other.run("restore", str(tmp_path / "backup"), "--yes") == 0
    assert other.paths.installation.read_text() == state.paths.installation.read_text() != before
    [aside] = other.paths.state.glob("store-before-*")
    assert (aside / "installation").read_text() == before
    assert other.kept() == state.tasks[:1]


def test_a_store_that_a_hub_has_open_is_never_called_damaged(
    state: State, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being written may look torn from outside, and a page later be whole."""
    state.with_hub(1)
    monkeypatch.setattr("agentctl.store.verify.faults", lambda *_, **__: ["a torn page"])
    running = Store.open(state.paths.store)
    try:
        assert state.run("verify") == 1
    finally:
        running.close()
    told = capsys.readouterr()
    assert "has the state in" in told.err
    assert "torn" not in told.out + told.err


def test_a_damaged_store_exits_6_with_a_way_out_and_is_restored(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.with_hub(3, backup=tmp_path / "backup")
    data = state.paths.store / "data.mdb"
    data.write_bytes(data.read_bytes()[:8192])
    assert state.run("verify") == 6
    told = capsys.readouterr()
    assert "data.mdb is cut off" in told.out
    assert "agentctl state restore" in told.err
    assert "docs/recovery.md" in told.err
    assert state.run("export") == 6
    assert state.run("restore", str(tmp_path / "backup"), "--yes") == 0
    assert state.run("verify") == 0
    assert state.kept() == state.tasks[:3]


def test_a_backup_that_is_damaged_or_of_a_newer_version_replaces_nothing(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.with_hub(1, backup=tmp_path / "backup")
    data = tmp_path / "backup" / "data.mdb"
    sound = data.read_bytes()
    data.write_bytes(sound.replace(b'"prompt":"count 0"', b'"prompt":"count 9"'))
    assert state.run("restore", str(tmp_path / "backup"), "--yes") == 6
    assert "of table task_bodies is damaged" in capsys.readouterr().err
    assert state.kept() == state.tasks


def test_verify_and_export_change_nothing_in_an_older_releases_store(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = old_stores.make("schema_1", tmp_path / "old")
    before = {each.name: each.read_bytes() for each in old.iterdir()}
    assert state.run("verify", str(old)) == 0
    assert state.run("export", str(old)) == 0
    assert {each.name: each.read_bytes() for each in old.iterdir()} == before
    rows = [json.loads(each) for each in capsys.readouterr().out.splitlines()[1:]]
    assert rows[0] == {"kind": "agentctl.state", "schema": 1, "version": 1}


def test_an_export_is_canonical_and_holds_no_token_nor_its_digest(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.with_hub(2)
    hub = open_hub(state.paths, Store.open(state.paths.store))
    hub.store.write(lambda txn: instances.put(txn, instance("inst-1", token_digest=DIGEST)))
    token = tokens.create(hub, ADMIN, name="deploy", role="ci", ttl_s=600)["token"]
    hub.store.close()
    out = tmp_path / "state.jsonl"
    assert state.run("export", "--out", str(out)) == 0
    assert oct(out.stat().st_mode & 0o777) == "0o600"
    text = out.read_text()
    rows = [json.loads(each) for each in text.splitlines()]
    again = [json.dumps(each, sort_keys=True, separators=(",", ":")) for each in rows]
    assert again == text.splitlines()
    by_table = [each.get("table") for each in rows]
    assert {*by_table} == {None, "generations", "instances", "tasks", "journal"}
    assert "count 1" in text
    assert not any(
        secret in text for secret in (DIGEST, token, token.rpartition(".")[2], 'digest":"d')
    )
    assert state.run("export", "--out", str(out)) == 2
    assert state.run("export", "--no-content") == 0
    assert "count 1" not in capsys.readouterr().out


def test_a_running_hub_keeps_its_state_to_itself(
    state: State, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.with_hub(1, backup=tmp_path / "backup")
    hub = open_hub(state.paths, Store.open(state.paths.store))
    try:
        for words in (["verify"], ["export"], ["restore", str(tmp_path / "backup"), "--yes"]):
            assert state.run(*words) == 1
            assert "another hub" in capsys.readouterr().err
    finally:
        hub.store.close()
