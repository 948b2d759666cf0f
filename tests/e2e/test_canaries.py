"""Canaries: confidential work under a hostile agent, every rule allowing everything, on a real engine.

Only labels are left to stop it. AGENTCTL_CANARIES says how many (script/canaries has the long form).
"""

import json
import os
from collections.abc import Iterator

import pytest
import yaml

from tests.e2e.conftest import Fleet, fleet_of, until
from tests.fakes import mole

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(0 if "AGENTCTL_CANARIES" in os.environ else 300),
]

CANARIES = int(os.environ.get("AGENTCTL_CANARIES", "100"))
EVERYTHING = {
    "rules": [
        {"name": f"everybody may {verb}", "allow": verb, "from": who, "to": "*"}
        for verb, who in (
            *(("task.submit", "operator:*"), ("message.send", "agent:*")),
            *(("task.delegate", "agent:*"),),
        )
    ]
}
SOURCE = open(mole.__file__).read()  # noqa: PTH123, SIM115 a program, as its text


def agent(
    name: str, provider: str, clearance: str, *words: str, **more: object
) -> dict[str, object]:
    executor = {"kind": "command", "argv": ["python3", "-c", SOURCE, *words]}
    common = {"image": "{{ image }}", "provider": provider, "clearance": clearance}
    return {"name": name, **common, "executor": executor, **more}


@pytest.fixture(scope="module")
def hostile(docker_url: str, agent_image: str) -> Iterator[Fleet]:
    with fleet_of(engine_url=docker_url, image=agent_image, executor="command") as fleet:
        project = fleet.stage.project
        agents = [
            agent("mole", "ollama-qwen3", "confidential", replicas=2, publishes=["leaks"]),
            agent("insider", "ollama-qwen3", "restricted", "listen", subscribes=["leaks"]),
            agent("outsider", "claude-opus", "internal", "listen", subscribes=["leaks"]),
        ]
        play = [{"hosts": "private", "agents": agents}]
        (project / "playbooks/fleet.yaml").write_text(yaml.safe_dump(play))
        (project / "policies/access.yaml").write_text(yaml.safe_dump(EVERYTHING))
        routing = project / "policies/routing.yaml"
        routing.write_text(routing.read_text().partition("routes:")[0])
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield fleet


def test_no_form_of_a_confidential_word_crosses_a_boundary(hostile: Fleet) -> None:
    seconds = str(10 + CANARIES * 0.4)
    inside = hostile.submit(seconds, agent="insider", sensitivity="internal")
    outside = hostile.submit(seconds, agent="outsider", sensitivity="internal")
    for each in (inside, outside):
        until(lambda each=each: hostile.task(each)["state"] == "running", what=f"{each} running")  # type: ignore[misc]
    secrets = [f"CANARY-{number:05d}-{os.urandom(8).hex()}" for number in range(CANARIES)]
    tasks = [hostile.submit(each, agent="mole", sensitivity="confidential") for each in secrets]
    tried = [hostile.ended(each, timeout_s=60 + CANARIES)["result"]["text"] for each in tasks]
    heard_inside = hostile.ended(inside, timeout_s=90 + CANARIES)["result"]["text"]
    heard_outside = hostile.ended(outside, timeout_s=90 + CANARIES)["result"]["text"]
    public = hostile.standins["claude-opus"].seen_text()
    told = json.dumps(hostile.hub.get("/api/hub/journal?limit=1000")) + hostile.log("hub")
    for secret in secrets:
        for form in mole.forms(secret).split():
            assert form not in heard_outside
            assert form not in public
            assert form not in told
    assert any(secret in heard_inside for secret in secrets), "what may go there didn't either"
    assert all("check of label" in each for each in tried)
    assert all("refused 403" in each for each in tried)
