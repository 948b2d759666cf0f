"""A task as its user sees it: waited for, followed, listed, its files saved; on plain processes."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.demo import scene
from tests.e2e.conftest import Fleet, fleet_of, until

MAKER = f"""
- name: Makers of files
  hosts: private
  agents:
    - name: maker
      image: none
      provider: {scene.PRIVATE}
      clearance: confidential
      capabilities: [make]
      executor:
        kind: command
        argv:
          - sh
          - -c
          - >-
            test -z "$(ls artifacts)" || exit 9;
            cat > artifacts/said.txt; mkdir artifacts/sub; head -c 700000 /dev/zero > artifacts/sub/zeros;
            ln -s /etc/passwd artifacts/passwd; echo made
"""


@pytest.fixture(scope="module")
def makers() -> Iterator[Fleet]:
    """The sample's agents as processes, and one that runs a command which leaves files."""
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        (fleet.stage.project / "playbooks" / "makers.yaml").write_text(MAKER)
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield fleet


def made(fleet: Fleet, prompt: str, *words: str) -> dict[str, object]:
    ended = fleet.run("submit", prompt, "--capability", "make", "--wait", "-o", "json", *words)
    found: dict[str, object] = json.loads(ended.stdout)
    return found


def test_files_that_a_task_left_are_listed_and_saved(makers: Fleet, tmp_path: Path) -> None:
    task = str(made(makers, "for the file")["id"])
    listed = makers.run("task", "artifacts", task, "--save", str(tmp_path / "out"))
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        "NAME",
        "said.txt",
        "sub/zeros",
    ]
    assert listed.stderr == "Left out: passwd: a symbolic link\n"
    assert (tmp_path / "out" / "said.txt").read_text() == "for the file"
    assert (tmp_path / "out" / "sub" / "zeros").read_bytes() == bytes(700_000)
    again = makers.run("task", "artifacts", task, "--save", str(tmp_path / "out"), code=1)
    assert "is there already; nothing was written" in again.stderr
    assert "said.txt (12 bytes)" in makers.run("task", "show", task).stdout


def test_each_task_has_its_own_files_and_they_outlive_the_hub(
    makers: Fleet, tmp_path: Path
) -> None:
    first, second = (str(made(makers, words)["id"]) for words in ("one", "two"))
    pid = makers.children()["hub"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: makers.children().get("hub", pid) != pid, what="a new hub")
    until(lambda: makers.hub.get("/readyz")["ready"], what="a ready hub")
    for task, said in ((first, "one"), (second, "two")):
        makers.run("task", "artifacts", task, "--save", str(tmp_path / said))
        assert (tmp_path / said / "said.txt").read_text() == said


def test_wait_is_answered_when_the_task_ends(makers: Fleet) -> None:
    private = makers.standins[scene.PRIVATE]
    private.slow_s = 2.0
    try:
        task = makers.submit("Slowly", sensitivity="confidential", capabilities=["research"])
        late = makers.run("task", "wait", task, "--timeout", "0.2", code=4)
        assert late.stderr.endswith("it goes on\n")
        assert makers.run("task", "wait", task).stdout.strip()
    finally:
        private.slow_s = 0.0
    assert makers.task(task)["state"] == "completed"


def test_events_are_followed_to_the_end_through_a_hubs_restart(makers: Fleet) -> None:
    private = makers.standins[scene.PRIVATE]
    private.slow_s = 4.0
    try:
        task = makers.submit("Slowly", sensitivity="confidential", capabilities=["research"])
        following = subprocess.Popen(
            makers.command("task", "events", task, "--follow", "-o", "json"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: makers.task(task)["state"] == "running", what="running")
        os.kill(makers.children()["hub"], signal.SIGKILL)
        out, err = following.communicate(timeout=60)
    finally:
        private.slow_s = 0.0
    assert following.returncode == 0, err
    lines = [json.loads(line) for line in out.splitlines()]
    happened = [each["event"] for each in lines if each["type"] == "event"]
    assert happened[:2] == ["submitted", "queued"]
    assert happened[-1] == "completed"
    numbers = [each["number"] for each in lines if each["type"] == "event"]
    assert numbers == list(range(1, len(numbers) + 1)), "each once, none left out"


def test_lists_are_filtered_by_label_agent_state_and_time(makers: Fleet) -> None:
    wanted = made(makers, "x", "--label", "job=42", "--label", "team=alpha", "--priority", "3")[
        "id"
    ]
    made(makers, "y", "--label", "job=43")

    def listed(*words: str) -> list[str]:
        page = json.loads(makers.run("tasks", "-o", "json", *words).stdout)
        return [each["id"] for each in page["tasks"]]

    assert listed("--label", "job=42") == [wanted]
    assert listed("--label", "job=42", "--label", "team=beta") == []
    assert wanted in listed("--agent", "maker", "--state", "completed", "--since", "1h")
    assert listed("--since", "2999-01-01T00:00:00Z") == []


def test_what_was_asked_for_stands_on_the_task_and_in_the_journal(
    makers: Fleet, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object", "required": ["city"]}))
    words = "--deadline 2h --max-attempts 2 --budget-usd 1.5 --budget-turns 4 --timeout 10m"
    parent = str(made(makers, "parent")["id"])
    ended = makers.run(
        *["submit", "x", "--capability", "make", "--sensitivity", "public", "--parent", parent],
        *["--output-schema", str(schema), "--wait", "-o", "json", *words.split()],
        code=1,
    )
    task = json.loads(ended.stdout)
    assert (task["state"], task["result"]["reason"]) == ("failed", "no_structured_output")
    assert (task["parent"], task["sensitivity"]) == (parent, "confidential")
    assert (task["max_attempts"], task["timeout_s"]) == (2, 600.0)
    assert 7190 < task["deadline_s"] - task["submitted_at_s"] <= 7200
    journal = makers.run("journal", "-o", "json").stdout
    assert '"budget_turns": "4"' in journal
    again = json.loads(makers.run("task", "retry", task["id"], "-o", "json").stdout)
    assert (again["retry_of"], again["parent"]) == (task["id"], parent)


def test_a_wrong_schema_or_parent_is_said_before_anything_is_stored(
    makers: Fleet, tmp_path: Path
) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"$ref": "http://127.0.0.1/x"}')
    before = makers.run("tasks", "-o", "json").stdout
    refused = makers.run("submit", "x", "--output-schema", str(schema), code=1)
    assert "/output_schema: refers to what isn't in it" in refused.stderr
    unknown = makers.run("submit", "x", "--parent", "task-" + "0" * 26, code=1)
    assert "is unknown" in unknown.stderr
    assert makers.run("tasks", "-o", "json").stdout == before
