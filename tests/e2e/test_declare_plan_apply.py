"""Plan and apply as an operator uses them: twice is no change, a saved plan, a part, an interruption."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl import resources
from tests.e2e.conftest import Fleet, fleet_of, until

NOT_HERE = {"warm"}  # of ephemeral agents alone
EVERYTHING = """
- name: One agent that declares all there is
  hosts: private
  vars: {size: 64MiB}
  tags: [whole]
  agents:
    - name: "every-{{ item }}"
      loop: [thing]
      loop_control: {index_var: at}
      when: fleet is defined
      tags: [one, two]
      image: "{{ image }}"
      replicas: 1
      provider: ollama-qwen3
      capabilities: [research, summarise]
      clearance: internal
      lifecycle: persistent
      on_change: immediate
      resources: {cpus: 0.5, memory: "{{ size }}", pids: 64}
      workspace: {size: 32MiB}
      secrets:
        - {name: from-file, from: {file: KEY}}
        - {name: from-env, from: {env: HOME}}
        - {name: from-command, from: {command: [printf, hunter2]}}
      egress: [github]
      publishes: [findings]
      subscribes: [findings]
      labels: {team: platform}
      ttl: 2h
      grace: 5s
      executor: {kind: command, args: [], argv: [python3, -c, "print('done')"]}
"""


DESTINATIONS = """
destinations:
  github: {hosts: ["github.com:443"], boundary: public}
"""


@pytest.fixture(scope="module")
def contained(docker_url: str, agent_image: str) -> Iterator[Fleet]:
    """A served fleet of one container that declares everything."""
    with fleet_of(engine_url=docker_url, image=agent_image, executor="command") as fleet:
        playbook = fleet.stage.project / "playbooks/fleet.yaml"
        text = EVERYTHING.replace("KEY", str(fleet.stage.key_file))
        playbook.write_text(text)
        providers = fleet.stage.project / "policies/providers.yaml"
        providers.write_text(providers.read_text() + DESTINATIONS)
        routing = fleet.stage.project / "policies/routing.yaml"
        routing.write_text(routing.read_text().partition("routes:")[0])
        fleet.start()
        yield fleet


@pytest.mark.engine
def test_the_agent_declares_every_field_there_is() -> None:
    schema = json.loads(resources.schema_path("playbook").read_text())
    fields = set(schema["$defs"]["agent"]["properties"]) - NOT_HERE
    missing = {each for each in fields if f" {each}:" not in EVERYTHING}
    assert not missing, f"declare {missing} above: apply twice must stay no change"


@pytest.mark.engine
def test_apply_twice_is_no_change_whatever_an_agent_declares(contained: Fleet) -> None:
    contained.run("apply", "--yes")
    until(contained.all_running, what="the agent running")
    before = contained.containers()
    assert len(before) == 1
    again = contained.run("apply", "--yes").stdout
    assert again == "No changes. Generation 1 is applied.\n"
    assert contained.run("plan", "--detailed-exitcode").stdout.endswith(
        "Plan: 0 to create, 0 to replace, 0 to remove, 1 unchanged\nNo changes.\n"
    )
    assert contained.containers() == before


@pytest.mark.engine
def test_a_container_that_died_is_shown_as_drift(contained: Fleet) -> None:
    contained.run("apply", "--yes")
    contained.run("pause", "--reason", "so that the reconciler leaves it alone")
    (container,) = contained.containers()
    subprocess.run(["docker", "kill", container], check=True, capture_output=True)
    said = contained.run("plan").stdout
    contained.run("resume")
    assert said.startswith("Drift: what runs is not what is applied\n  local\n    ± replace every-")
    until(lambda: contained.containers() - {container}, what="the new container")


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A served fleet of processes; nothing is applied yet."""
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.start()
        yield fleet


def change(fleet: Fleet, old: str, new: str) -> None:
    playbook = fleet.stage.project / "playbooks/fleet.yaml"
    text = playbook.read_text()
    assert old in text
    playbook.write_text(text.replace(old, new))


def test_a_saved_plan_is_applied_once_and_then_out_of_date(fleet: Fleet, tmp_path: Path) -> None:
    plan = tmp_path / "plan"
    fleet.run("plan", "--out", str(plan))
    assert plan.stat().st_mode & 0o777 == 0o600
    fleet.run("apply", str(plan), "--yes")
    until(fleet.all_running, what="all agents running")
    refused = fleet.run("apply", str(plan), "--yes", code=None)
    assert refused.returncode == 1
    assert "generation 1 is applied, it was made against 0" in refused.stderr
    change(fleet, "replicas: 2", "replicas: 1")
    fleet.run("plan", "--out", str(plan))
    change(fleet, "replicas: 1", "replicas: 3")
    refused = fleet.run("apply", str(plan), "--yes", code=None)
    assert "the plan is out of date: playbooks/fleet.yaml has changed; plan again" in refused.stderr


def test_a_part_is_applied_and_the_rest_stays(fleet: Fleet) -> None:
    fleet.run("apply", "--yes")
    until(fleet.all_running, what="all agents running")
    kept = {each["id"] for each in fleet.running()["clerk"]}
    change(fleet, "replicas: 2", "replicas: 1")
    change(fleet, "ttl: 24h ", "ttl: 12h ")
    shown = fleet.run("plan", "--tags", "research").stdout
    assert shown.startswith("Partial plan: --tags research\n")
    assert "clerk" not in shown
    fleet.run("apply", "--yes", "--tags", "research")
    assert {each["id"] for each in fleet.running()["clerk"]} == kept
    until(lambda: len(fleet.running()["researcher"]) == 1, what="one researcher")
    assert "clerk" in fleet.run("plan").stdout  # it waits for a whole plan


def test_an_interrupted_apply_goes_on_when_it_is_called_again(fleet: Fleet) -> None:
    started = subprocess.Popen(
        fleet.command("apply", "--yes"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: fleet.hub.get("/api/hub/generations")["generations"], what="the generation")
    started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=30)
    assert started.returncode in (0, 130), said  # 0: it had converged before the signal came
    assert "Traceback" not in said
    fleet.run("apply", "--yes")
    until(fleet.all_running, what="all agents running")
    assert fleet.run("apply", "--yes").stdout == "No changes. Generation 1 is applied.\n"
