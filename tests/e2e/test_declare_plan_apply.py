"""Plan and apply as an operator uses them: twice is no change, a saved plan, a part, an interruption."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl import resources
from tests.e2e.conftest import Fleet, fleet_of, until

EVERYTHING = """
- name: One agent that declares all there is
  hosts: private
  vars: {size: 64MiB}
  agent_defaults: {image: "{{ image }}", provider: ollama-qwen3, clearance: internal}
  tags: [whole]
  agents:
    - name: "every-{{ item }}"
      loop: [thing]
      loop_control: {index_var: at}
      when: fleet is defined
      tags: [one, two]
      vars: {half: 0.5}
      image: "{{ image }}"
      replicas: 1
      provider: ollama-qwen3
      capabilities: [research, summarise]
      clearance: internal
      lifecycle: persistent
      on_change: immediate
      resources: {cpus: "{{ half }}", memory: "{{ size }}", pids: 64}
      workspace: {size: 32MiB}
      budget: {usd: 2.5, tokens: 100000}
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
    - name: fresh
      lifecycle: ephemeral
      replicas: 2
      warm: 1
      budget: {turns: 3}
      executor: {kind: messages-api}
"""


DESTINATIONS = """
destinations:
  github: {hosts: ["github.com:443"], boundary: public}
"""


@pytest.fixture(scope="module")
def contained(docker_url: str, agent_image: str) -> Iterator[Fleet]:
    """A served fleet of two containers that declare everything between them."""
    with fleet_of(engine_url=docker_url, image=agent_image, executor="command") as fleet:
        playbook = fleet.stage.project / "playbooks/fleet.yaml"
        text = EVERYTHING.replace("KEY", str(fleet.stage.key_file))
        playbook.write_text(text)
        routing = fleet.stage.project / "policies/routing.yaml"
        routing.write_text(routing.read_text().partition("routes:")[0])
        providers = fleet.stage.project / "policies/providers.yaml"
        price = "price: {input: 1, output: 2, cache_read: 0.5, cache_write: 3}"
        providers.write_text(
            providers.read_text().replace(
                "    boundary: private\n", f"    boundary: private\n    {price}\n"
            )
            + DESTINATIONS
        )
        fleet.start()
        yield fleet


@pytest.mark.engine
def test_the_agent_declares_every_field_there_is() -> None:
    schema = json.loads(resources.schema_path("playbook").read_text())
    agent = schema["$defs"]["agent"]["properties"]
    fields = set(agent)
    for nested in ("resources", "workspace", "executor", "budget"):
        fields |= set(agent[nested]["properties"])
    missing = {each for each in fields if f"{each}:" not in EVERYTHING}
    assert not missing, f"declare {missing} above: apply twice must stay no change"


@pytest.mark.engine
def test_apply_twice_is_no_change_whatever_an_agent_declares(contained: Fleet) -> None:
    contained.run("apply", "--yes")
    until(lambda: len(contained.containers()) == 2, what="one of each running")
    before = contained.containers()
    again = contained.run("apply", "--yes").stdout
    assert again == "No changes. Generation 1 is applied.\n"
    assert contained.run("plan", "--detailed-exitcode").stdout.endswith(
        "Plan: 0 to create, 0 to replace, 0 to remove, 2 unchanged\nNo changes.\n"
    )
    assert contained.containers() == before


@pytest.mark.engine
def test_a_container_that_died_is_shown_as_drift(contained: Fleet) -> None:
    contained.run("apply", "--yes")
    contained.run("pause", "--reason", "so that the reconciler leaves it alone")
    (container,) = {each["container"] for each in contained.running()["every-thing"]}
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
