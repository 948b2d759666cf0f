"""`on_change: defer` on a real engine: the old container takes the next task too, then it is replaced."""

import threading
from collections.abc import Iterator

import pytest

from agentctl.demo import scene
from agentctl.demo.script import Answer, Request
from tests.e2e.conftest import Fleet, fleet_of, until

pytestmark = pytest.mark.engine

CLERK = {"sensitivity": "internal", "capabilities": ["bulk"]}


@pytest.fixture
def fleet(docker_url: str, agent_image: str) -> Iterator[Fleet]:
    """One container whose agent defers, at a model that answers when it is told to."""
    with fleet_of(engine_url=docker_url, image=agent_image, executor="messages-api") as found:
        declare(found, pids=256, ttl="24h")
        found.start()
        found.run("apply", "--yes")
        until(found.all_running, what="the agent running")
        yield found


def declare(fleet: Fleet, *, pids: int, ttl: str) -> None:
    playbook = f"""
- name: One who defers
  hosts: private
  agents:
    - name: clerk
      image: "{{{{ image }}}}"
      provider: {scene.PRIVATE}
      clearance: restricted
      ttl: {ttl}
      capabilities: [bulk]
      resources: {{pids: {pids}}}
      on_change: defer
      executor: {{kind: messages-api}}
"""
    (fleet.stage.project / "playbooks/fleet.yaml").write_text(playbook)
    routing = fleet.stage.project / "policies/routing.yaml"
    routing.write_text(routing.read_text().partition("routes:")[0])


class Model:
    """Holds each answer back until its task may end."""

    def __init__(self, fleet: Fleet) -> None:
        self.may_end = {name: threading.Event() for name in ("first", "second", "third")}
        fleet.standins[scene.PRIVATE].answer = self._answer

    def _answer(self, request: Request) -> Answer:
        (gate,) = [gate for name, gate in self.may_end.items() if name in request.text]
        return Answer(text="done", gate=gate)


def test_it_goes_on_with_what_is_queued_and_is_replaced_when_it_is_idle(fleet: Fleet) -> None:
    model = Model(fleet)
    (old,) = fleet.containers()
    first = fleet.submit("first", **CLERK)
    until(lambda: fleet.task(first)["state"] == "running", what="the first task at work")

    declare(fleet, pids=128, ttl="24h")
    what = f"local clerk/0: deferred until {first} ends (resources.pids: 256 → 128)"
    said = fleet.run("plan").stdout
    assert what in said
    assert "Plan: 0 to create, 0 to replace, 0 to remove, 0 unchanged, 1 deferred" in said
    assert "converged" in fleet.run("apply", "--yes").stdout
    assert what in fleet.run("plan").stdout, "what is applied and deferred is still said"
    assert fleet.containers() == {old}

    second = fleet.submit("second", **CLERK)
    model.may_end["first"].set()
    assert fleet.ended(first)["container"] == old
    until(lambda: fleet.task(second)["state"] == "running", what="the second task at work")
    assert fleet.task(second)["container"] == old, "it goes on taking work"
    model.may_end["second"].set()
    assert fleet.ended(second)["state"] == "completed"
    (new,) = until(lambda: fleet.containers() - {old}, what="the new container")
    assert fleet.run("plan", "--detailed-exitcode").stdout.endswith("1 unchanged\nNo changes.\n")

    third = fleet.submit("third", **CLERK)
    until(lambda: fleet.task(third)["state"] == "running", what="the third task at work")
    declare(fleet, pids=128, ttl="2h")
    shorter = "not deferred, it drains: ttl: 1d → 2h: that may narrow what it may do"
    assert shorter in fleet.run("plan").stdout
    assert shorter in fleet.run("apply", "--yes", "--timeout", "2s", code=None).stdout
    until(lambda: drains(fleet), what="the drain")
    model.may_end["third"].set()
    assert fleet.ended(third)["container"] == new
    until(lambda: fleet.containers() - {old, new}, what="the container that lives shorter")


def drains(fleet: Fleet) -> bool:
    (clerk,) = fleet.hub.get("/api/hub/agents")["agents"]
    return all(each["draining"] for each in clerk["instances"])
