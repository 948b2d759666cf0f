"""Agents on a host that is reached by ssh: its own engine, a real sshd, and the same promises."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentctl.demo import scene
from agentctl.web.servers import PEER_CONNECTIONS_MAX
from tests.e2e.conftest import Fleet, fleet_of, until
from tests.fakes.other_host import OtherHost, load, second_engine, ssh_processes

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

DECLARED = """
- name: Agents elsewhere
  hosts: elsewhere
  agent_defaults:
    image: "{{ image }}"
    executor: {kind: "{{ executor }}"}
    clearance: confidential
    provider: ollama-qwen3
  agents:
    - {name: far, capabilities: [far]}
    - {name: farther, capabilities: [farther]}
"""
# What an agent that has got hold of another's instance token would do with it.
TRY = """
import http.client, socket, sys
hub = http.client.HTTPConnection("hub")
hub.sock = socket.socket(socket.AF_UNIX)
hub.sock.connect("/run/agentctl/hub.sock")
told = {"Authorization": "Bearer " + sys.stdin.read(), "Content-Type": "application/json"}
hub.request("POST", "/api/hub/svid", "{}", told)
print(hub.getresponse().status)
"""
FLOOD_CONNECTIONS = 48
FLOOD = f"""
import socket, time
held = [socket.socket(socket.AF_UNIX) for _ in range({FLOOD_CONNECTIONS})]
for each in held:
    each.connect("/run/agentctl/hub.sock")
    each.send(b"GET")  # half a request: one that is let in says nothing to it
time.sleep(1)
refused = 0
for each in held:
    each.setblocking(False)
    try:
        refused += b" 429 " in each.recv(100)
    except OSError:
        pass
print(refused)
"""
TOKEN = re.compile(rb"it1\.inst-[0-9a-z]{26}\.[A-Za-z0-9_-]{43}")


class Elsewhere:
    """The fleet, and the host that some of it is on."""

    def __init__(self, fleet: Fleet, host: OtherHost, engine: Path) -> None:
        self.fleet, self.host, self.engine = fleet, host, engine

    def docker(self, agent: str, *words: str, said: str = "") -> str:
        """Run a docker command at the engine that an agent runs on."""
        url = f"unix://{self.engine}" if agent.startswith("far") else "unix:///var/run/docker.sock"
        return subprocess.run(
            ["docker", "-H", url, *words],
            input=said,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    def container(self, agent: str) -> dict[str, Any]:
        (instance,) = self.fleet.running()[agent][:1]
        found: dict[str, Any] = json.loads(self.docker(agent, "inspect", instance["container"]))[0]
        return found

    def stolen(self, agent: str) -> str:
        """Return an agent's instance token, read out of agentd's memory as root of its host might."""
        pid = self.container(agent)["State"]["Pid"]
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                span, rights, *_ = line.split()
                first, last = (int(each, 16) for each in span.split("-"))
                if "rw" in rights and "[v" not in line:
                    memory.seek(first)
                    found = TOKEN.search(memory.read(last - first))
                    if found:
                        return found[0].decode()
        raise AssertionError("agentd holds no instance token")

    def tried(self, token: str, *, through: str) -> str:
        """Return the status that a token gets through the door of an agent's container."""
        name = self.container(through)["Id"]
        return self.docker(through, "exec", "-i", name, "python3", "-c", TRY, said=token).strip()

    @property
    def hosts_down(self) -> list[str]:
        down: list[str] = self.fleet.hub.get("/api/hub/mode")["hosts_down"]
        return down


@pytest.fixture(scope="module")
def elsewhere(
    docker_url: str, agent_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Elsewhere]:
    with (
        pytest.MonkeyPatch.context() as patch,
        second_engine(tmp_path_factory.mktemp("engine")) as engine,
    ):
        load(agent_image, source=docker_url, target=engine)
        host = OtherHost(tmp_path_factory.mktemp("host"), engine=engine)
        patch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
        with fleet_of(engine_url=docker_url, image=agent_image, executor="messages-api") as fleet:
            inventory = fleet.stage.project / "inventory.yaml"
            document = yaml.safe_load(inventory.read_text())
            there = {"hosts": {"far": {"engine_url": "ssh://far1"}}}
            document["all"]["children"]["elsewhere"] = there
            inventory.write_text(yaml.safe_dump(document))
            (fleet.stage.project / "playbooks" / "far.yaml").write_text(DECLARED)
            monitoring = fleet.stage.project / "policies" / "monitoring.yaml"
            monitoring.write_text(monitoring.read_text().replace("converge: 5s", "converge: 1s"))
            fleet.start()
            fleet.run("apply", "--yes")
            until(fleet.all_running, what="all agents running")
            host.doors_of.add(fleet.paths.installation.read_text())
            yield Elsewhere(fleet, host, engine)
        host.end()


def test_a_task_runs_there_and_its_prompt_reaches_the_private_model_alone(
    elsewhere: Elsewhere,
) -> None:
    fleet, canary = elsewhere.fleet, "canary-elsewhere-4713"
    task = fleet.ended(
        fleet.submit(f"Sum up {canary}", sensitivity="confidential", capabilities=["far"])
    )
    assert (task["state"], task["agent"], task["boundary"]) == ("completed", "far", "private")
    assert canary in fleet.standins[scene.PRIVATE].seen_text()
    assert canary not in fleet.standins[scene.PUBLIC].seen_text()


def test_a_container_there_has_no_network_and_one_door_of_its_own(elsewhere: Elsewhere) -> None:
    doors = set()
    for agent in ("far", "farther"):
        facts = elsewhere.container(agent)
        assert facts["HostConfig"]["NetworkMode"] == "none"
        (bind,) = [mount for mount in facts["Mounts"] if mount["Type"] == "bind"]
        assert (bind["RW"], bind["Destination"]) == (False, "/run/agentctl")
        assert Path(bind["Source"]).parent.name == facts["Config"]["Labels"]["agentctl.instance"]
        doors.add(bind["Source"])
        route = Path(f"/proc/{facts['State']['Pid']}/net/route").read_text()
        assert len(route.splitlines()) == 1, "no route leads anywhere"
        assert "it1." not in json.dumps(facts)
    assert len(doors) == 2


def test_a_stolen_token_works_from_its_own_container_only(elsewhere: Elsewhere) -> None:
    tokens = {agent: elsewhere.stolen(agent) for agent in ("far", "farther", "clerk")}
    got = {
        (whose, where): elsewhere.tried(token, through=where)
        for whose, token in tokens.items()
        for where in tokens
    }
    assert got == {(one, other): "200" if one == other else "401" for one, other in got}


def test_one_container_takes_its_share_of_connections_and_no_more(elsewhere: Elsewhere) -> None:
    flood = elsewhere.docker(
        "far", "exec", elsewhere.container("far")["Id"], "python3", "-c", FLOOD
    )
    assert int(flood) >= FLOOD_CONNECTIONS - PEER_CONNECTIONS_MAX
    assert elsewhere.tried(elsewhere.stolen("farther"), through="farther") == "200"


def test_a_hub_that_restarts_knows_the_carriers_still(elsewhere: Elsewhere) -> None:
    fleet = elsewhere.fleet
    carriers = ssh_processes(str(fleet.paths.runtime))
    os.kill(fleet.children()["hub"], signal.SIGKILL)
    until(lambda: "hub" in fleet.children() and fleet.hub.get("/healthz"), what="another hub")
    task = fleet.submit("Go on", sensitivity="confidential", capabilities=["far"])
    assert fleet.ended(task)["state"] == "completed"
    assert ssh_processes(str(fleet.paths.runtime)) == carriers


def test_a_host_that_is_away_degrades_only_itself_and_its_work_is_not_lost(
    elsewhere: Elsewhere,
) -> None:
    fleet, private = elsewhere.fleet, elsewhere.fleet.standins[scene.PRIVATE]
    before = fleet.containers()
    carriers = ssh_processes(str(fleet.paths.runtime))
    assert len(carriers) == 3, "one for the engine, one for each container"
    private.slow_s = 2.0
    task = fleet.submit("Take your time", sensitivity="confidential", capabilities=["far"])
    until(lambda: fleet.task(task)["state"] == "running", what="running")
    elsewhere.host.stop()  # every connection is killed, and none can be made
    until(lambda: elsewhere.hosts_down == ["far"], what="the host is away")
    private.slow_s = 0.0
    assert fleet.hub.get("/api/hub/mode")["mode"] == "normal"
    planned = fleet.run("plan", code=None).stdout
    assert "ssh://far1: ssh: connect to host 127.0.0.1" in planned
    assert "Connection refused" in planned
    assert fleet.ended(fleet.submit("Here", capabilities=["research"]))["state"] == "completed"
    elsewhere.host.start()
    assert fleet.ended(task)["state"] == "completed"
    until(lambda: not elsewhere.hosts_down, what="the host again")
    assert fleet.containers() == before, "and no container was replaced for it"
    assert not set(carriers) & set(ssh_processes(str(fleet.paths.runtime)))


def test_applying_twice_changes_nothing(elsewhere: Elsewhere) -> None:
    until(elsewhere.fleet.all_running, what="all agents running")
    before = elsewhere.fleet.containers()
    assert "No changes" in elsewhere.fleet.run("apply", "--yes").stdout
    assert elsewhere.fleet.run("plan", "--detailed-exitcode").returncode == 0
    assert elsewhere.fleet.containers() == before


def test_an_agent_in_quarantine_is_stopped_there_and_its_door_is_closed(
    elsewhere: Elsewhere,
) -> None:
    container = elsewhere.container("farther")
    instance = container["Config"]["Labels"]["agentctl.instance"]
    elsewhere.fleet.run("quarantine", "farther", "--why", "a look")

    def running() -> bool:
        found = json.loads(elsewhere.docker("far", "inspect", container["Id"]))[0]
        return bool(found["State"]["Running"])

    until(lambda: not running(), what="its end")
    until(lambda: not ssh_processes(instance), what="the end of its connection")
    assert (elsewhere.fleet.paths.logs / "quarantine").is_dir()


def test_panic_stops_what_runs_there(elsewhere: Elsewhere) -> None:
    elsewhere.fleet.run("panic", "--reason", "drill")
    until(lambda: elsewhere.docker("far", "ps", "-q") == "", what="all stopped", timeout_s=30)


def test_a_reconciler_that_ends_leaves_no_connection(elsewhere: Elsewhere) -> None:
    runtime = str(elsewhere.fleet.paths.runtime)
    assert ssh_processes(runtime)
    os.kill(elsewhere.fleet.children()["reconcile"], signal.SIGKILL)
    until(lambda: "reconcile" in elsewhere.fleet.children(), what="another reconciler")
    elsewhere.fleet.stop()
    until(lambda: not ssh_processes(runtime), what="the end of all connections")
