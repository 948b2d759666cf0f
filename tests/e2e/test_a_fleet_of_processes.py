"""The whole line without containers: dispatch, labels, processes, restarts, bad input."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agentctl.demo import scene
from tests.e2e.conftest import Fleet, environ_of, fleet_of, open_files, until

CONFIDENTIAL = "canary-confidential-81"


def test_confidential_work_is_seen_at_the_private_model_and_nowhere_else(
    processes: Fleet,
) -> None:
    task = processes.ended(processes.submit(f"Sum up {CONFIDENTIAL}", sensitivity="confidential"))
    assert (task["state"], task["boundary"]) == ("completed", "private"), task
    assert CONFIDENTIAL in processes.standins[scene.PRIVATE].seen_text()
    assert CONFIDENTIAL not in processes.standins[scene.PUBLIC].seen_text()


def test_public_work_reaches_the_public_model_with_the_real_key_put_in(processes: Fleet) -> None:
    wanted = {"sensitivity": "internal", "capabilities": ["deep-reasoning"]}
    task = processes.ended(processes.submit("Think about canary-public-82", **wanted))
    assert (task["state"], task["boundary"], task["rule"]) == (
        "completed",
        "public",
        "deep reasoning",
    )
    public = processes.standins[scene.PUBLIC]
    assert "canary-public-82" in public.seen_text()
    assert "canary-public-82" not in processes.standins[scene.PRIVATE].seen_text()
    sent = [each for each in public.requests if "canary-public-82" in each.text][-1]
    assert sent.headers["x-api-key"] == processes.stage.key_file.read_text()
    assert "mt1." not in str(dict(sent.headers))


def test_usage_stands_on_the_task(processes: Fleet) -> None:
    task = processes.ended(processes.submit("Count me", sensitivity="confidential"))
    usage = until(
        lambda: (found := processes.task(task["id"])["usage"])["calls"] and found,
        what="the gateway's count",
    )
    assert usage["calls"] == 1
    assert usage["input_tokens"] > 0
    assert usage["output_tokens"] > 0


def test_what_nobody_may_take_is_held_with_the_reason(processes: Fleet) -> None:
    task = processes.submit("x", sensitivity="confidential", capabilities=["deep-reasoning"])
    row = processes.task(task)
    assert row["state"] == "held"
    assert "lacks deep-reasoning" in row["held_reason"]


def test_submit_waits_and_prints_the_result(processes: Fleet) -> None:
    ended = processes.run("submit", "Say something", "--sensitivity", "confidential", "--wait")
    assert ended.stdout.strip()
    listed = json.loads(processes.run("tasks", "-o", "json").stdout)
    assert listed["tasks"][0]["state"] == "completed"


def test_applying_twice_changes_nothing(processes: Fleet) -> None:
    before = processes.containers()
    assert "No changes" in processes.run("apply", "--yes").stdout
    assert processes.run("plan", "--detailed-exitcode").returncode == 0
    assert processes.containers() == before


def test_each_process_holds_only_its_own(processes: Fleet) -> None:
    pids = until(lambda: len(found := processes.children()) == 4 and found, what="four processes")
    files = {name: open_files(pid) for name, pid in pids.items()}
    store = str(processes.paths.store)
    assert any(each.startswith(store) for each in files["hub"])
    for other in ("gateway", "egress", "reconcile"):
        assert not any(each.startswith(store) for each in files[other]), other
    keys = str(processes.paths.keys)
    assert not any(each.startswith(keys) for name in files for each in files[name])
    listening = {name: _listeners(pid) for name, pid in pids.items()}
    assert {Path(each).name for each in listening["hub"]} == {
        "hub.sock",
        "operator.sock",
        "gateway.sock",
        "egress.sock",
        "reconciler.sock",
    }
    assert {Path(each).name for each in listening["gateway"]} == {"llm.sock"}
    assert listening["egress"] == {str(processes.paths.egress_door)}
    assert not listening["reconcile"]


def _listeners(pid: int) -> set[str]:
    """Return the paths of the Unix sockets on which a process listens."""
    inodes = {each[8:-1] for each in open_files(pid) if each.startswith("socket:[")}
    found = set()
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        listens = int(fields[3], 16) & 0x10000
        if listens and fields[6] in inodes and len(fields) > 7:
            found.add(fields[7])
    return found


def test_the_processes_get_a_scrubbed_environment(processes: Fleet) -> None:
    allowed = re.compile(
        r"(PATH|HOME|LANG|LC_\w+|TZ|PYTHON\w+|AGENTCTL_\w+|XDG_RUNTIME_DIR|VIRTUAL_ENV)="
    )
    for name, pid in processes.children().items():
        foreign = [each for each in environ_of(pid).split("\0") if each and not allowed.match(each)]
        assert not foreign, (name, foreign)


@pytest.mark.parametrize("name", ["hub", "gateway", "reconcile"])
def test_a_killed_process_comes_back_and_work_goes_on(processes: Fleet, name: str) -> None:
    agents = processes.containers()
    pid = processes.children()[name]
    os.kill(pid, signal.SIGKILL)
    until(lambda: processes.children().get(name, pid) != pid, what=f"a new {name}")
    until(lambda: processes.hub.get("/readyz")["ready"], what="a ready hub", timeout_s=90)
    task = processes.ended(processes.submit("After the fall", sensitivity="confidential"))
    assert task["state"] == "completed", task
    assert processes.containers() == agents


def test_a_killed_agent_is_replaced_and_its_task_goes_on(processes: Fleet) -> None:
    private = processes.standins[scene.PRIVATE]
    private.slow_s = 5.0
    try:
        task = processes.submit("Take your time", sensitivity="confidential")
        row = until(
            lambda: (found := processes.task(task))["state"] == "running" and found, what="running"
        )
        os.kill(int(row["container"].split(":")[1]), signal.SIGKILL)
        until(lambda: processes.task(task)["attempt"] == 2, what="a second attempt")
    finally:
        private.slow_s = 0.0
    assert processes.ended(task)["state"] == "completed"


def test_a_cancelled_task_stops_within_two_seconds(processes: Fleet) -> None:
    private = processes.standins[scene.PRIVATE]
    private.slow_s = 30.0
    try:
        task = processes.submit("Endless", sensitivity="confidential")
        until(lambda: processes.task(task)["state"] == "running", what="running")
        until(lambda: private.open_streams > 0, what="the model at work")
        processes.run("task", "cancel", task)
        assert processes.task(task)["state"] == "cancelled"
        until(lambda: private.open_streams == 0, what="the model left alone", timeout_s=3.0)
    finally:
        private.slow_s = 0.0


def test_a_second_serve_on_the_same_state_says_so(processes: Fleet) -> None:
    ended = processes.run("serve", "--listen", "127.0.0.1:0", code=None)
    assert ended.returncode not in (0, None)
    assert "already" in ended.stderr or "in use" in ended.stderr


def test_a_port_in_use_is_said_in_one_line(processes: Fleet) -> None:
    import socket

    with (
        socket.socket() as taken,
        fleet_of(engine_url="process:", image="none", executor="messages-api") as other,
    ):
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = other.run("serve", "--listen", f"127.0.0.1:{port}", code=None)
    assert ended.returncode not in (0, None)
    assert str(port) in ended.stderr


def test_serve_stops_in_order_and_leaves_the_agents_to_be_adopted() -> None:
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        before = fleet.containers()
        assert fleet.stop() == 0
        fleet.start()
        until(fleet.all_running, what="all agents running again")
        assert fleet.containers() == before
        task = fleet.ended(fleet.submit("Still there?", sensitivity="confidential"))
        assert task["state"] == "completed"


def test_followed_files_are_applied_and_broken_ones_change_nothing() -> None:
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.start("--follow")
        until(fleet.all_running, what="the files applied")
        providers = fleet.stage.project / "policies" / "providers.yaml"
        good = providers.read_text()
        providers.write_text(good.replace("providers:", "provders:", 1))
        until(lambda: "provders" in fleet.log("follow"), what="a word about the broken file")
        broken = until(lambda: fleet.hub.get("/api/hub/status")["files"], what="a status of files")
        assert "policies/providers.yaml:1:1: " in broken["broken"], broken
        until(
            lambda: (
                "files" in [each["check"] for each in fleet.hub.get("/api/hub/alerts")["alerts"]]
            ),
            what="an alert",
        )
        assert "not applied since" in fleet.run("status").stdout
        assert fleet.hub.get("/api/hub/generations/latest")["number"] == 1
        said = fleet.log("follow").count("not applied")
        assert fleet.serve is not None
        os.kill(fleet.serve.pid, signal.SIGHUP)
        until(lambda: fleet.log("follow").count("not applied") > said, what="the files read again")
        os.kill(fleet.children()["hub"], signal.SIGKILL)
        until(
            lambda: "ended with 137" in (fleet.stage.root / "serve.log").read_text(), what="its end"
        )
        again = until(lambda: fleet.hub.get("/api/hub/status")["files"], what="the word again")
        assert again == broken
        providers.write_text(good.replace("model: qwen3", "model: qwen3-next", 1))
        until(
            lambda: fleet.hub.get("/api/hub/generations/latest")["number"] == 2,
            what="a second generation",
        )
        until(lambda: fleet.hub.get("/api/hub/status")["files"] is None, what="files in order")


def test_with_the_hub_away_commands_say_what_to_do(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "agentctl", "--state", str(tmp_path / "none"), "status"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 4
    assert "agentctl serve" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_an_agent_in_quarantine_stops_stays_away_over_restarts_and_comes_back() -> None:
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        private = fleet.standins[scene.PRIVATE]
        private.slow_s = 30.0
        task = fleet.submit("Endless", sensitivity="confidential")
        row = until(
            lambda: (found := fleet.task(task))["state"] == "running" and found, what="running"
        )
        agent = row["agent"]
        until(lambda: private.open_streams > 0, what="the model at work")
        mine = {each["container"] for each in fleet.running()[agent]}
        theirs = fleet.containers() - mine
        private.slow_s = 0.0

        said = fleet.run("quarantine", agent, "--why", "a drill").stdout
        assert f"{agent} is quarantined by operator:uid:{os.geteuid()}: a drill" in said
        until(lambda: not any(map(alive, mine)), what="its processes gone")
        done = fleet.ended(task)
        assert (done["state"], done["agent"], done["attempt"]) == ("completed", "clerk", 2), done

        assert f"{agent}/0: quarantined" in fleet.run("plan").stdout
        assert "quarantined" in fleet.run("agents").stdout
        assert "a drill" in fleet.run("status").stdout
        until(
            lambda: (
                "quarantine"
                in [each["check"] for each in fleet.hub.get("/api/hub/alerts")["alerts"]]
            ),
            what="an alert",
        )
        assert fleet.stop() == 0
        fleet.start()
        until(lambda: fleet.containers() >= theirs, what="the others adopted")
        fleet.run("apply", "--yes")
        assert fleet.running()[agent] == []

        fleet.run("release", agent)
        until(fleet.all_running, what="it is back")
        assert not {each["container"] for each in fleet.running()[agent]} & mine
        assert fleet.containers() >= theirs


def test_a_workspace_goes_to_nobody_below_what_it_holds_until_it_is_declassified() -> None:
    with fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet:
        rules = fleet.stage.project / "policies" / "access.yaml"
        rule = (
            "  - {name: admins declassify, allow: declassify, from: 'role:admin', to: 'agent:*'}\n"
        )
        rules.write_text(rules.read_text().replace("rules:\n", f"rules:\n{rule}", 1))
        play = next((fleet.stage.project / "playbooks").glob("*.yaml"))
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        clerk = {each["container"] for each in fleet.running()["clerk"]}

        play.write_text(play.read_text().replace("clearance: restricted", "clearance: internal", 1))
        said = "clerk/0: waits: its workspace holds restricted work"
        assert said in fleet.run("plan").stdout
        failed = fleet.run("apply", "--yes", "--timeout", "20s", code=5)
        assert "its workspace holds restricted work" in failed.stderr
        assert {each["container"] for each in fleet.running()["clerk"]} == clerk  # it goes on

        lower = ("declassify", "clerk/0", "--to", "internal", "--why", "it is empty")
        assert "lives at" in fleet.run(*lower, code=1).stderr
        fleet.run("quarantine", "clerk", "--why", "to look at its workspace")
        until(
            lambda: "counts as internal now" in fleet.run(*lower, code=None).stdout,
            what="it is seen that nothing writes there any more",
        )
        fleet.run("release", "clerk")
        until(fleet.all_running, what="a clerk of the lower clearance")
        [label] = {each["label"] for each in fleet.running()["clerk"]}
        assert label == "internal"


def alive(container: str) -> bool:
    return Path(f"/proc/{container.split(':')[1]}").exists()
