"""Ephemeral agents as an operator sees them, as plain processes and on a real engine."""

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from agentctl.demo import scene
from tests.e2e.conftest import Fleet, fleet_of, until

SLOW_S = 1.0  # how long a task takes at the least, so that several are there together
LIMIT = 2
DECLARED = """
- name: Agents for one task each
  hosts: private
  agents:
    - name: temp
      image: "{{ image }}"
      provider: ollama-qwen3
      clearance: restricted
      capabilities: [temp]
      lifecycle: ephemeral
      replicas: 2
      warm: {warm}
      executor: {kind: "{{ executor }}"}
"""
ENGINES = ["process", pytest.param("docker", marks=pytest.mark.engine)]
STATES = ["provisioning", "configuring", "starting", "running", "recycling", "recycled"]

pytestmark = pytest.mark.timeout(600)  # the first to come may build an image


@pytest.fixture(scope="module", params=ENGINES)
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """A served fleet with the ephemeral agent `temp`, none warm."""
    engine_url, image = "process:", "none"
    if request.param == "docker":
        engine_url = request.getfixturevalue("docker_url")
        image = request.getfixturevalue("agent_image")
    with fleet_of(engine_url=engine_url, image=image, executor="messages-api") as served:
        declare(served, warm=0)
        served.start()
        served.run("apply", "--yes")
        served.standins[scene.PRIVATE].slow_s = SLOW_S
        yield served


@pytest.fixture(autouse=True)
def _nobody_left(fleet: Fleet) -> Iterator[None]:
    yield
    declare(fleet, warm=0)
    fleet.run("apply", "--yes")
    until(lambda: living(fleet) == [], what="an empty house")


def declare(fleet: Fleet, *, warm: int) -> None:
    written = DECLARED.replace("{warm}", str(warm))
    (fleet.stage.project / "playbooks" / "temp.yaml").write_text(written)


def temp(fleet: Fleet) -> dict[str, Any]:
    agents = fleet.hub.get("/api/hub/agents")["agents"]
    return next(each for each in agents if each["name"] == "temp")


def living(fleet: Fleet) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = temp(fleet)["instances"]
    return found


def submit(fleet: Fleet, prompt: str, **wanted: Any) -> str:
    return fleet.submit(prompt, capabilities=["temp"], **wanted)


def history(fleet: Fleet, instance: str) -> dict[str, Any]:
    shown = fleet.hub.get("/api/hub/agents/temp")
    return next(each for each in shown["gone"] if each["id"] == instance)


def test_a_task_makes_a_fresh_container_of_its_label_and_it_is_gone_after(fleet: Fleet) -> None:
    assert living(fleet) == []
    done = fleet.ended(submit(fleet, "Say hello", sensitivity="internal"))
    assert done["state"] == "completed", done
    assert done["result"]["label"] == "internal"
    until(lambda: living(fleet) == [], what="the container's end")
    gone = history(fleet, done["instance"])
    assert gone["made_for"] == gone["served"] == done["id"]
    assert list(gone["states"]) == STATES
    times = list(gone["states"].values())
    assert all(before <= after for before, after in pairwise(times))


def test_tasks_never_share_a_container_and_never_more_live_than_the_limit(fleet: Fleet) -> None:
    tasks = [submit(fleet, f"Job {number}") for number in range(4)]
    most = 0

    def over() -> bool:
        nonlocal most
        most = max(most, len(living(fleet)))
        return all(fleet.task(each)["finished_at_s"] is not None for each in tasks)

    until(over, what="the end of all")
    rows = [fleet.task(each) for each in tasks]
    assert [each["state"] for each in rows] == ["completed"] * 4
    assert len({each["container"] for each in rows}) == 4
    assert len({each["instance"] for each in rows}) == 4
    assert most == LIMIT


def test_a_warm_container_is_there_before_the_task_and_is_replaced_after(fleet: Fleet) -> None:
    declare(fleet, warm=1)
    fleet.run("apply", "--yes")
    (ready,) = until(
        lambda: [each for each in living(fleet) if each["state"] == "running"],
        what="a warm container",
    )
    assert ready["label"] == "restricted"
    task = submit(fleet, "Quick", sensitivity="public")
    until(lambda: fleet.task(task)["instance"] == ready["id"], what="the hand-over", timeout_s=5)
    done = fleet.ended(task)
    assert done["result"]["label"] == "restricted"
    until(
        lambda: (
            [each["warm"] for each in living(fleet)] == [True]
            and living(fleet)[0]["id"] != ready["id"]
        ),
        what="another warm one",
    )


def test_a_task_cancelled_while_it_runs_takes_its_container_with_it(fleet: Fleet) -> None:
    fleet.standins[scene.PRIVATE].slow_s = 60.0
    try:
        task = submit(fleet, "Never ends")
        until(lambda: fleet.task(task)["state"] == "running", what="its start")
        fleet.run("task", "cancel", task)
        until(lambda: living(fleet) == [], what="the container's end")
    finally:
        fleet.standins[scene.PRIVATE].slow_s = SLOW_S
    assert fleet.task(task)["state"] == "cancelled"


def test_the_registry_is_there_again_after_the_hub_was_killed(fleet: Fleet) -> None:
    fleet.standins[scene.PRIVATE].slow_s = 4.0
    try:
        task = submit(fleet, "Survive")
        until(lambda: fleet.task(task)["state"] == "running", what="its start")
        (before,) = living(fleet)
        os.kill(fleet.children()["hub"], signal.SIGKILL)
        (after,) = until(lambda: living(fleet), what="the registry")
        done = fleet.ended(task)
    finally:
        fleet.standins[scene.PRIVATE].slow_s = SLOW_S
    same = ("id", "container", "label", "made_for", "served", "states", "task")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert (done["state"], done["instance"], done["attempt"]) == ("completed", before["id"], 1)


def test_a_container_killed_at_work_is_replaced_by_another_for_the_next_attempt(
    fleet: Fleet,
) -> None:
    fleet.standins[scene.PRIVATE].slow_s = 4.0
    task = submit(fleet, "Die once")
    until(lambda: fleet.task(task)["state"] == "running", what="its start")
    fleet.standins[scene.PRIVATE].slow_s = SLOW_S
    (victim,) = living(fleet)
    kill(victim["container"])
    done = fleet.ended(task)
    assert (done["state"], done["attempt"]) == ("completed", 2)
    assert done["container"] != victim["container"]


def kill(container: str) -> None:
    """End a container from outside, as the machine's trouble would."""
    if container.startswith("process:"):
        os.kill(int(container.split(":")[1]), signal.SIGKILL)
    else:
        os.spawnlp(os.P_WAIT, "docker", "docker", "kill", container)


def test_plan_says_one_line_of_it_and_agent_show_says_all(fleet: Fleet) -> None:
    assert "temp: ephemeral: up to 2, 0 warm; 0 wanted now" in fleet.run("plan").stdout
    done = fleet.ended(submit(fleet, "Show me"))
    until(lambda: living(fleet) == [], what="the container's end")
    shown = fleet.run("agent", "show", "temp").stdout
    assert "lifecycle     ephemeral" in shown
    assert "0 (up to 2, 0 warm)" in shown
    assert done["id"] in shown
    assert all(f"  {state}\n" in shown for state in STATES)
    assert "no agent 'tmep' is declared" in fleet.run("agent", "show", "tmep", code=None).stderr
