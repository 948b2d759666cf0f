"""A provider stops in the middle of a task of the real CLI: held within seconds, done when it is back."""

import json
from urllib.parse import urlsplit

import pytest

from agentctl.demo import scene
from agentctl.demo.standin import Standin
from tests.e2e.conftest import Fleet, until

pytestmark = pytest.mark.claude

HELD_WITHIN_S = 30.0  # a call waits ten seconds for its provider; the CLI ends at once after it


def stopped(fleet: Fleet) -> int:
    """Stop the private provider in the middle of what it says; return its port."""
    model = fleet.standins[scene.PRIVATE]
    port = urlsplit(model.url).port
    assert port is not None
    model.close()
    model.drop()
    return port


def test_a_task_survives_its_provider(containers: Fleet) -> None:
    fleet = containers
    model = fleet.standins[scene.PRIVATE]
    model.slow_s = 60.0
    task = fleet.submit("Say something.", sensitivity="confidential", max_attempts=1)
    until(lambda: model.open_streams, what="the model's answer under way")
    port = stopped(fleet)
    why = f"{scene.PRIVATE} can't be reached at http://127.0.0.1:{port}: Connection refused"

    until(lambda: fleet.task(task)["state"] == "held", timeout_s=HELD_WITHIN_S, what="held")
    found = fleet.task(task)
    assert (found["attempt"], found["put_off"]) == (1, 1)
    assert found["held_reason"].startswith(f"provider {scene.PRIVATE} can't be reached; ")
    assert "127.0.0.1" not in found["held_reason"], "agents may read it"
    new = fleet.submit("Something else.", sensitivity="confidential", max_attempts=1)
    assert fleet.task(new)["state"] == "held"

    until(lambda: why in fleet.run("alerts").stdout, what="the alert")
    assert f"{scene.PRIVATE} is away: provider {why}" in fleet.run("status").stdout
    said = fleet.run("plan", "--detailed-exitcode", code=0).stdout
    assert f"provider {scene.PRIVATE} is away: provider {why}; work for its agents is held" in said
    shown = fleet.run("task", "show", task).stdout
    assert "1 attempt ended because the provider was away, and not counted" in shown

    with Standin(port=port, name="private"):
        for each in (task, new):
            assert fleet.ended(each)["state"] == "completed"
        found = fleet.task(task)
        assert (found["attempt"], found["max_attempts"], found["put_off"]) == (2, 1, 1)
        happened = [each["event"] for each in found["events"]]
        assert happened[-6:] == ["accepted", "put_off", "queued", "leased", "accepted", "completed"]
        until(lambda: why not in fleet.run("alerts").stdout, what="the alert's end")
        assert json.loads(fleet.run("status", "-o", "json").stdout)["away"] == {}
