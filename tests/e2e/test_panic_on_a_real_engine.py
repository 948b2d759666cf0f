"""Panic and quarantine where containers are real: killed, kept with what they said, and replaced later."""

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
        one_agent_is_set_apart(fleet)


def one_agent_is_set_apart(fleet: Fleet) -> None:
    mine = {each["container"] for each in fleet.running()["researcher"]}
    others = fleet.containers() - mine
    volumes = workspaces(fleet)
    fleet.run("quarantine", "researcher", "--why", "drill")
    until(lambda: exited(fleet) == mine, what="its containers killed", timeout_s=20)
    assert fleet.containers() == others
    kept = {each.name for each in (fleet.paths.logs / "quarantine").glob("*.log")}
    assert all(any(container in name for name in kept) for container in mine)
    fleet.run("release", "researcher")
    until(fleet.all_running, what="it is back")
    assert fleet.containers() >= others
    assert not fleet.containers() & mine
    assert workspaces(fleet) == volumes


def exited(fleet: Fleet) -> set[str]:
    return {each for each, state in states(fleet).items() if state == "exited"}


def workspaces(fleet: Fleet) -> set[str]:
    installation = fleet.hub.get("/api/hub/status")["installation"]
    label = f"label=agentctl.installation={installation}"
    listed = subprocess.run(
        ["docker", "volume", "ls", "--quiet", "--filter", label],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return set(listed.split())
