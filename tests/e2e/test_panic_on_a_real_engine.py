"""Panic where containers are real: killed, kept with what they said, and replaced after a resume."""

import json
import subprocess

import pytest

from tests.e2e.conftest import Fleet, fleet_of, until

pytestmark = pytest.mark.engine


def states(fleet: Fleet) -> dict[str, str]:
    """Return each of the fleet's containers on the engine with its state."""
    installation = fleet.hub.get("/api/hub/status")["installation"]
    listed = subprocess.run(
        [
            "docker",
            "ps",
            "--all",
            "--no-trunc",
            "--filter",
            f"label=agentctl.installation={installation}",
            "--format",
            "{{json .}}",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {each["ID"]: each["State"] for each in map(json.loads, listed.splitlines())}


def test_panic_kills_the_containers_and_leaves_them_for_a_look(
    docker_url: str, agent_image: str
) -> None:
    with fleet_of(engine_url=docker_url, image=agent_image, executor="messages-api") as fleet:
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        before = fleet.containers()
        fleet.run("panic", "--reason", "drill")
        until(lambda: fleet.containers() == set(), what="the hub knowing it", timeout_s=20)
        assert states(fleet) == dict.fromkeys(before, "exited")
        kept = {each.name for each in (fleet.paths.logs / "panic").glob("*.log")}
        assert all(any(container in name for name in kept) for container in before)
        fleet.run("resume")
        until(fleet.all_running, what="all agents back")
        assert not fleet.containers() & before
