"""A key that is missing is told before a task meets it; its work waits for the key and then runs."""

import json

from tests.e2e.conftest import fleet_of, until


def test_work_waits_for_the_key_and_runs_when_it_is_there() -> None:
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        key = fleet.stage.key_file
        kept = key.read_text()
        key.unlink()
        fleet.start()
        why = f"claude-opus is unusable: key file {key} is missing"
        assert f"note: provider {why}" in fleet.run("apply", "--yes").stderr
        again = json.loads(fleet.run("apply", "--yes", "-o", "json").stdout)
        assert again["unusable"] == {"claude-opus": f"key file {key} is missing"}
        until(lambda: why in fleet.run("status").stdout, what="the status saying so")
        said = fleet.run("plan", "--detailed-exitcode", code=0).stdout
        assert f"provider {why}; work for its agents is held" in said
        until(lambda: "provider-key" in fleet.run("alerts").stdout, what="the alert")
        task = fleet.submit("x", sensitivity="internal", capabilities=["deep-reasoning"])
        assert fleet.task(task)["state"] == "held"
        key.write_text(kept)
        assert fleet.ended(task)["state"] == "completed"
        assert fleet.task(task)["attempt"] == 1
        until(lambda: "unusable" not in fleet.run("status").stdout, what="a status without it")
