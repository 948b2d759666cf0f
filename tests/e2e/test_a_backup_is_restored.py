"""Backup while the fleet works, disaster, restore: what was in the backup is there; the journal proves it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Fleet, fleet_of, until


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as running:
        running.start()
        running.run("apply", "--yes")
        until(running.all_running, what="all agents running")
        yield running


def test_a_backup_of_a_working_fleet_is_restored_after_a_disaster(
    fleet: Fleet, tmp_path: Path
) -> None:
    agents, count = list(fleet.running()), len(fleet.containers())
    first = fleet.submit("summarise", sensitivity="internal")
    assert fleet.ended(first)["state"] == "completed"
    checkpoint = tmp_path / "checkpoint.json"
    checkpoint.write_text(fleet.run("journal", "checkpoint").stdout)
    fleet.run("state", "backup", str(tmp_path / "backup"))
    later = fleet.submit("summarise again", sensitivity="internal")
    fleet.ended(later)
    told = fleet.run("journal", "verify", "--checkpoint", str(checkpoint)).stdout
    assert "signed checkpoints hold" in told
    newest = fleet.run("journal", "--filter", f"subject={later}", "--limit", "1").stdout
    assert "task.completed" in newest

    assert fleet.run("state", "verify", code=1).stderr.count("another hub") == 1
    assert fleet.stop() == 0
    data = fleet.paths.store / "data.mdb"
    data.write_bytes(data.read_bytes()[: 4096 * 3])
    assert "docs/recovery.md" in fleet.run("state", "verify", code=6).stderr
    refused = fleet.run("serve", "--listen", "127.0.0.1:0", code=6)
    assert "data.mdb is cut off" in refused.stderr
    assert "docs/recovery.md" in refused.stderr
    fleet.run("state", "verify", str(tmp_path / "backup"))
    words = ("state", "restore", str(tmp_path / "backup"), "--yes", "--forget", "workspaces")
    closed = fleet.run(*words).stderr  # no clearance was raised since: the operator knows
    assert "what came after line" in closed
    assert "operator tokens revoked" not in closed  # there was none
    assert f"agents quarantined: {len(agents)} " in closed

    fleet.start()
    assert fleet.task(first)["state"] == "completed"
    assert fleet.hub.get("/api/hub/mode")["mode"] == "paused"
    stopped = "quarantined: kept as it was stopped"
    until(lambda: fleet.run("plan").stdout.count(stopped) == count, what="what ran is stopped")
    for each in agents:
        fleet.run("release", each, "--why", "looked at it")
    fleet.run("resume", "--reason", "looked at it")
    until(fleet.all_running, what="all agents running again")
    fleet.run("journal", "verify", "--checkpoint", str(checkpoint))
    again = fleet.submit("summarise once more", sensitivity="internal")
    assert fleet.ended(again)["state"] == "completed"
    assert fleet.stop() == 0
    rows = fleet.run("state", "export").stdout.splitlines()
    kept = {row["record"]["id"] for row in map(json.loads, rows) if row.get("table") == "tasks"}
    assert kept == {first, again}
