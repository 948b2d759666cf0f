"""An agent's secret reaches its tmpfs and stands nowhere else; what an agent prints reaches no log."""

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Fleet, fleet_of, until

pytestmark = pytest.mark.engine

SECRET = "canary-secret-" + hashlib.sha256(b"of this test").hexdigest()
PLAY = """
- name: One agent with a secret
  hosts: private
  agents:
    - name: keeper
      image: "{{ image }}"
      provider: ollama-qwen3
      clearance: restricted
      secrets:
        - {name: deploy-key, from: {file: "@FILE@"}}
        - {name: from-command, from: {command: [cat, "@FILE@"]}}
      executor:
        kind: command
        argv:
          - python3
          - -c
          - |
            import hashlib, os, stat
            path = "/run/secrets/deploy-key"
            mode = stat.S_IMODE(os.stat(path).st_mode)
            same = open(path).read() == open("/run/secrets/from-command").read()
            digest = hashlib.sha256(open(path, "rb").read()).hexdigest()
            held = [k for k, v in os.environ.items() if v.startswith(("it1.", "ey"))]
            print(digest, oct(mode), os.getuid(), same, held)
"""
ROUTING = """
levels: [public, internal, confidential, restricted]
default: confidential
boundaries: {public: internal, private: restricted}
"""


@pytest.fixture(scope="module")
def keeper(docker_url: str, agent_image: str) -> Iterator[Fleet]:
    with fleet_of(engine_url=docker_url, image=agent_image, executor="command") as fleet:
        secret = fleet.stage.root / "secret"
        secret.write_text(SECRET)
        play = fleet.stage.project / "playbooks" / "fleet.yaml"
        play.write_text(PLAY.replace("@FILE@", str(secret)))
        (fleet.stage.project / "policies" / "routing.yaml").write_text(ROUTING)
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="the keeper running")
        yield fleet


def test_the_agent_finds_its_secret_and_nobody_else_does(keeper: Fleet, docker_url: str) -> None:
    task = keeper.ended(keeper.submit("Look", sensitivity="restricted"))
    digest, mode, uid, same, held = task["result"]["text"].split()
    assert digest == hashlib.sha256(SECRET.encode()).hexdigest()
    assert (mode, uid, same, held) == ("0o400", "10001", "True", "[]")
    container = keeper.running()["keeper"][0]["container"]
    facts = docker("inspect", container)
    image = json.loads(facts)[0]["Image"]
    pid = json.loads(facts)[0]["State"]["Pid"]
    places = {
        "inspect": facts,
        "image": docker("inspect", image) + docker("history", "--no-trunc", image),
        "environ": Path(f"/proc/{pid}/environ").read_text(),
        "cmdline": Path(f"/proc/{pid}/cmdline").read_text(),
        "container log": docker("logs", container),
        "journal": keeper.run("journal", "-o", "json").stdout,
        "task": json.dumps(task),
        "agents": keeper.run("agents", "-o", "json").stdout,
        "desired": json.dumps(keeper.hub.get("/api/hub/generations/latest")),
    }
    found = [name for name, text in places.items() if SECRET in text]
    assert not found


def docker(*words: str) -> str:
    ended = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return ended.stdout + ended.stderr


def test_no_file_of_the_state_holds_a_secret_or_a_token(keeper: Fleet) -> None:
    found = []
    for path in keeper.stage.state.rglob("*"):
        if path.is_file():
            raw = path.read_bytes()
            found += [str(path) for each in (SECRET.encode(), b"it1.inst-") if each in raw]
    assert not found


def test_a_missing_secret_makes_its_agent_unavailable_and_says_which(keeper: Fleet) -> None:
    play = keeper.stage.project / "playbooks" / "fleet.yaml"
    good = play.read_text()
    play.write_text(
        good.replace("name: deploy-key, from: {file: ", "name: deploy-key, from: {file: /gone")
    )
    try:
        keeper.run("validate")
        ended = keeper.run("apply", "--yes", code=5)
        assert "/gone" in ended.stdout + ended.stderr
        assert SECRET not in ended.stdout + ended.stderr
        assert keeper.hub.get("/healthz")
    finally:
        play.write_text(good)
        keeper.run("apply", "--yes")
        until(keeper.all_running, what="the keeper back")
