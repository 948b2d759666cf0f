"""The promise on a real engine: the real CLI in a container without network, behind the one door."""

import json
import subprocess
from pathlib import Path

import pytest

from agentctl.demo import scene
from tests.e2e.conftest import Fleet, until

pytestmark = [pytest.mark.engine, pytest.mark.claude]


def inspect(container: str) -> str:
    return subprocess.run(
        ["docker", "inspect", container], capture_output=True, text=True, check=True
    ).stdout


def test_the_confidential_prompt_is_seen_at_the_private_model_and_nowhere_else(
    containers: Fleet,
) -> None:
    canary = "canary-confidential-4711"
    task = containers.ended(
        containers.submit(f"Sum up {canary}", sensitivity="confidential"), timeout_s=120
    )
    assert task["state"] == "completed", task
    assert (task["agent"], task["boundary"]) == ("researcher", "private")
    assert canary in containers.standins[scene.PRIVATE].seen_text()
    assert canary not in containers.standins[scene.PUBLIC].seen_text()
    assert task["result"]["session"], "it was the CLI that answered"


def test_the_public_prompt_is_seen_at_the_public_model_and_nowhere_else(
    containers: Fleet,
) -> None:
    canary = "canary-public-4712"
    wanted = {"sensitivity": "internal", "capabilities": ["deep-reasoning"]}
    task = containers.ended(containers.submit(f"Think about {canary}", **wanted), timeout_s=120)
    assert (task["state"], task["boundary"]) == ("completed", "public"), task
    assert canary in containers.standins[scene.PUBLIC].seen_text()
    assert canary not in containers.standins[scene.PRIVATE].seen_text()


def test_a_container_has_no_network_and_one_mounted_door(containers: Fleet) -> None:
    for instances in containers.running().values():
        for each in instances:
            facts = json.loads(inspect(each["container"]))[0]
            assert facts["HostConfig"]["NetworkMode"] == "none"
            assert facts["HostConfig"]["ReadonlyRootfs"] is True
            assert facts["HostConfig"]["CapDrop"] == ["ALL"]
            binds = [mount for mount in facts["Mounts"] if mount["Type"] == "bind"]
            assert [(mount["Source"], mount["RW"]) for mount in binds] == [
                (str(containers.paths.door), False)
            ]
            routes = Path(f"/proc/{facts['State']['Pid']}/net/route").read_text()
            assert len(routes.splitlines()) == 1, "no route leads anywhere"


def test_no_credential_stands_in_inspect_environ_or_log(containers: Fleet) -> None:
    for instances in containers.running().values():
        for each in instances:
            facts = inspect(each["container"])
            pid = json.loads(facts)[0]["State"]["Pid"]
            log = subprocess.run(
                ["docker", "logs", each["container"]], capture_output=True, text=True, check=True
            )
            environ = Path(f"/proc/{pid}/environ").read_text()
            for place in (facts, environ, log.stdout, log.stderr):
                assert "it1." not in place
                assert "mt1." not in place


def test_a_killed_container_is_replaced_and_its_task_goes_on(containers: Fleet) -> None:
    private = containers.standins[scene.PRIVATE]
    private.slow_s = 8.0
    try:
        task = containers.submit("Take your time", sensitivity="confidential")
        row = until(
            lambda: (found := containers.task(task))["state"] == "running" and found,
            what="running",
        )
        subprocess.run(["docker", "kill", row["container"]], check=True, capture_output=True)
        until(lambda: containers.task(task)["attempt"] == 2, what="a second attempt")
    finally:
        private.slow_s = 0.0
    assert containers.ended(task, timeout_s=120)["state"] == "completed"


def test_applying_twice_changes_nothing(containers: Fleet) -> None:
    until(containers.all_running, what="all agents running")
    before = containers.containers()
    assert "No changes" in containers.run("apply", "--yes").stdout
    assert containers.run("plan", "--detailed-exitcode").returncode == 0
    assert containers.containers() == before


def test_a_foreign_container_is_never_touched(containers: Fleet) -> None:
    image = json.loads(inspect(containers.running()["researcher"][0]["container"]))[0]["Image"]
    started = subprocess.run(
        [
            "docker",
            "run",
            "-d",
            "--label",
            "agentctl.fleet=" + containers.stage.fleet,
            "--label",
            "agentctl.installation=somebody-else",
            "--entrypoint",
            "sleep",
            image,
            "600",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    try:
        containers.run("apply", "--yes", "--prune")
        until(containers.all_running, what="all agents running")
        assert json.loads(inspect(started))[0]["State"]["Running"] is True
    finally:
        subprocess.run(["docker", "rm", "-f", started], check=True, capture_output=True)
