"""Declared egress on a real engine: the real CLI clones from where it may, and from nowhere else.

The site is on 127.0.0.2, which the destination's `networks` has; names and what they lead to are
tried in tests/engine/egress, in an internet of its own.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentctl.demo import scene
from agentctl.demo.script import Answer, Request, Tool
from tests.e2e.conftest import Fleet, fleet_of, until
from tests.fakes import certificates
from tests.fakes.https_site import https_site

pytestmark = [pytest.mark.engine, pytest.mark.claude, pytest.mark.timeout(300)]

SITE = "127.0.0.2"
ALLOWED, OTHER = "/run/secrets/allowed", "/run/secrets/other"
CLONES = f"""
export GIT_SSL_CAINFO=/run/secrets/ca.pem
git clone -q "$(cat {ALLOWED})/tools.git" tools && git -C tools log --format=%s
git clone -q "$(cat {OTHER})/tools.git" other || echo refused
ls -d other || echo nothing
"""
# Straight at the socket: the door is the same directory in every container.
KNOCKS = """
import base64, os, socket
token = os.environ["ANTHROPIC_AUTH_TOKEN"]
site = open("/run/secrets/allowed").read().removeprefix("https://").strip()
asked = f"CONNECT {site} HTTP/1.0\\r\\nProxy-Authorization: Basic "
asked += base64.b64encode(f"task:{token}".encode()).decode() + "\\r\\n\\r\\n"
door = socket.socket(socket.AF_UNIX)
door.connect("/run/agentctl/egress.sock")
door.sendall(asked.encode())
print(door.recv(4096).decode().splitlines()[0], os.environ.get("HTTPS_PROXY"))
"""


def model(request: Request) -> Answer:
    """Have the CLI run what the prompt's first word says, and say what came of it."""
    said = [
        json.dumps(block["content"])
        for message in request.json["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "tool_result"
    ]
    if said:
        return Answer(text=said[0])
    command = CLONES if "CLONE" in request.text else f"python3 -c '{KNOCKS}'"
    return Answer(tools=(Tool(name="Bash", input={"command": command}, id="toolu_1"),))


@dataclass
class Stage:
    fleet: Fleet
    hits: list[tuple[str, str]]
    allowed: int
    other: int

    def said(self, prompt: str, **wanted: Any) -> str:
        task = self.fleet.ended(self.fleet.submit(prompt, **wanted), timeout_s=120)
        assert task["state"] == "completed", task
        return str(task["result"]["text"])

    def lines(self, kind: str) -> list[dict[str, Any]]:
        found = self.fleet.hub.get("/api/hub/journal?limit=1000")["lines"]
        return [each["entry"] for each in found if each["entry"]["kind"] == kind]


@pytest.fixture(scope="module")
def stage(
    docker_url: str, claude_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """A fleet of one agent with egress and one without, and two sites: one that is declared."""
    folder, hits = tmp_path_factory.mktemp("site"), []
    certificates.write(folder, names=(), addresses=(SITE,))
    repository(folder)

    def site(name: str) -> Any:
        return https_site(folder, (SITE, 0), lambda _, path: hits.append((name, path)))

    with (
        fleet_of(engine_url=docker_url, image=claude_image, executor="claude-code") as fleet,
        site("allowed") as allowed,
        site("other") as other,
    ):
        declare(fleet.stage, folder, allowed, other)
        for each in fleet.standins.values():
            each.answer = model
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield Stage(fleet, hits, allowed, other)


def repository(folder: Path) -> None:
    work, bare = folder / "work", folder / "www" / "tools.git"
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (
        ["init", "-q", "-b", "main", str(work)],
        ["-C", str(work), *identity, "commit", "-q", "--allow-empty", "-m", "the first one"],
        ["clone", "-q", "--bare", str(work), str(bare)],
        ["-C", str(bare), "update-server-info"],
    ):
        subprocess.run(["git", *words], check=True, capture_output=True)


def declare(stage: scene.Scene, folder: Path, allowed: int, other: int) -> None:
    """Write the playbook, the destination and the agents' files."""
    for name, port in (("allowed", allowed), ("other", other)):
        (folder / name).write_text(f"https://{SITE}:{port}")
    files = {"ca.pem": "ca.pem", "allowed": "allowed", "other": "other"}
    common = {
        "clearance": "internal",
        "secrets": [
            {"name": name, "from": {"file": str(folder / at)}} for name, at in files.items()
        ],
        "executor": {"kind": "claude-code", "args": ["--permission-mode", "bypassPermissions"]},
        "image": "{{ image }}",
        "resources": {"memory": "1GiB"},
    }
    agents = [
        {"name": "fetcher", "provider": scene.PUBLIC, "egress": ["site"], **common},
        {"name": "inmate", "provider": scene.PRIVATE, **common},
    ]
    play = [{"name": "Two agents", "hosts": "private", "agents": agents}]
    (stage.project / "playbooks" / "fleet.yaml").write_text(json.dumps(play))
    path = stage.project / "policies" / "providers.yaml"
    document = yaml.safe_load(path.read_text())
    document["destinations"] = {
        "site": {
            "hosts": [f"{SITE}:{allowed}"],
            "boundary": "public",
            "networks": ["127.0.0.0/8"],
        }
    }
    path.write_text(yaml.safe_dump(document))
    routing = stage.project / "policies/routing.yaml"
    routing.write_text(routing.read_text().partition("routes:")[0])


def test_the_cli_clones_from_the_declared_site_and_from_no_other(stage: Stage) -> None:
    said = stage.said("CLONE", agent="fetcher", sensitivity="internal")
    assert "the first one" in said
    assert "refused" in said
    assert "nothing" in said
    assert "response 403" in said
    assert {name for name, _ in stage.hits} == {"allowed"}
    [opened] = stage.lines("egress.opened")
    facts = opened["facts"]
    assert (facts["destination"], facts["host"]) == ("site", f"{SITE}:{stage.allowed}")
    assert (opened["label"], facts["boundary"]) == ("internal", "public")
    [refused] = stage.lines("egress.refused")
    assert refused["facts"]["host"] == f"{SITE}:{stage.other}"
    assert refused["decision"]
    [closed] = until(lambda: stage.lines("egress.closed"), what="the end of the tunnel")
    assert int(closed["facts"]["bytes_in"]) > 1000


def test_a_container_without_egress_finds_the_door_and_is_refused(stage: Stage) -> None:
    before = len(stage.hits)
    said = stage.said("KNOCK", agent="inmate", sensitivity="internal")
    assert "403 " in said
    assert "None" in said, "nothing in its environment leads there"
    assert len(stage.hits) == before
    assert stage.lines("egress.refused")[-1]["facts"]["why"] == (
        f"inmate declares no destination with {SITE}:{stage.allowed}"
    )


def test_the_token_stands_in_no_log_and_no_line(stage: Stage) -> None:
    assert "mt1." not in stage.fleet.log("egress")
    assert "mt1." not in json.dumps(stage.fleet.hub.get("/api/hub/journal?limit=1000"))


def test_a_destination_that_is_taken_back_replaces_the_container(stage: Stage) -> None:
    playbook = stage.fleet.stage.project / "playbooks" / "fleet.yaml"
    play = yaml.safe_load(playbook.read_text())
    del play[0]["agents"][0]["egress"]
    playbook.write_text(json.dumps(play))
    assert "egress: [site] → []" in stage.fleet.run("plan").stdout


def test_a_clearance_above_the_destinations_boundary_is_a_finding(stage: Stage) -> None:
    playbook = stage.fleet.stage.project / "playbooks" / "fleet.yaml"
    play = yaml.safe_load(playbook.read_text())
    play[0]["agents"][1] |= {"egress": ["site"], "clearance": "confidential"}
    playbook.write_text(json.dumps(play))
    assert "clearance-above-boundary" in stage.fleet.run("validate", code=1).stdout
