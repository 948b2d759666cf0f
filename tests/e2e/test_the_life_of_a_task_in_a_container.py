"""A task of the real CLI in a real container: cancelled while it works, its files saved."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.demo import scene
from agentctl.demo.script import Answer, Request, Tool
from tests.e2e.conftest import Fleet, fleet_of, until

pytestmark = [pytest.mark.engine, pytest.mark.claude]

MAKER = f"""
- name: May use every tool that it finds in its container
  hosts: private
  agents:
    - name: maker
      image: "{{{{ image }}}}"
      provider: {scene.PRIVATE}
      clearance: confidential
      capabilities: [make]
      executor: {{kind: claude-code, args: ["--permission-mode", "bypassPermissions"]}}
"""
MAKE = {"sensitivity": "confidential", "capabilities": ["make"]}


@pytest.fixture(scope="module")
def makers(docker_url: str, claude_image: str) -> Iterator[Fleet]:
    """The sample's containers, and one whose CLI may use its tools."""
    with fleet_of(engine_url=docker_url, image=claude_image, executor="claude-code") as fleet:
        (fleet.stage.project / "playbooks" / "makers.yaml").write_text(MAKER)
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield fleet


def test_a_cancelled_task_stops_the_cli_within_two_seconds(makers: Fleet) -> None:
    private = makers.standins[scene.PRIVATE]
    private.slow_s = 60.0
    try:
        task = makers.submit("Endless", **MAKE)
        until(lambda: private.open_streams > 0, what="the model at work", timeout_s=60)
        container = makers.task(task)["container"]
        until(lambda: "claude" in processes_of(container), what="the CLI", timeout_s=5)
        makers.run("task", "cancel", task)
        cancelled_s = time.monotonic()
        until(lambda: "claude" not in processes_of(container), what="its end", timeout_s=10)
        assert time.monotonic() - cancelled_s < 2.0
        until(lambda: private.open_streams == 0, what="the model left alone", timeout_s=3)
        assert makers.task(task)["state"] == "cancelled"
        assert container in makers.containers(), "the container goes on to the next task"
    finally:
        private.slow_s = 0.0


def processes_of(container: str) -> str:
    """Return the command lines of a container's processes, as its host sees them."""
    return subprocess.run(
        ["docker", "top", container, "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout


def test_files_that_the_real_cli_wrote_are_saved(makers: Fleet, tmp_path: Path) -> None:
    private = makers.standins[scene.PRIVATE]
    sentence = private.answer
    write = "printf 'the answer' > artifacts/answer.txt"

    def answer(request: Request) -> Answer:
        if "toolu_standin_1" in request.text or '"Bash"' not in request.text:
            return sentence(request)
        wanted = {"command": write, "description": "write"}
        return Answer(text="Writing.", tools=(Tool(name="Bash", input=wanted),))

    private.answer = answer
    try:
        task = makers.ended(
            makers.submit("Write the answer to a file", **MAKE),
            timeout_s=120,
        )
    finally:
        private.answer = sentence
    assert task["state"] == "completed", task
    makers.run("task", "artifacts", task["id"], "--save", str(tmp_path / "out"))
    assert (tmp_path / "out" / "answer.txt").read_text() == "the answer"
    assert task["result"]["artifacts"][0]["label"] == "confidential"
