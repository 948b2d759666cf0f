"""Modes and alerts as operators meet them: a stopped reconciler, panic and resume, a hub that is gone."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agentctl.demo import scene
from tests.e2e.conftest import Fleet, fleet_of, until
from tests.fakes.webhook import Webhook, webhook

MONITORING = """\
converge: 1s
reconciler_silent: 3s
orphan_grace: 3s
hub_silent: 2s
alerts:
  - {{kind: log}}
  - {{kind: webhook, url: "{url}"}}
"""


@pytest.fixture(scope="module")
def watched() -> Iterator[tuple[Fleet, Webhook]]:
    """A fleet of processes whose alerts go to a webhook of the test's own."""
    with (
        webhook() as hook,
        fleet_of(engine_url="process:", image="none", executor="messages-api") as fleet,
    ):
        file = fleet.stage.project / "policies" / "monitoring.yaml"
        file.write_text(MONITORING.format(url=hook.url))
        fleet.start()
        fleet.run("apply", "--yes")
        until(fleet.all_running, what="all agents running")
        yield fleet, hook


def mode(fleet: Fleet) -> str:
    return str(fleet.hub.get("/api/hub/mode")["mode"])


def firing(fleet: Fleet) -> list[str]:
    return [each["check"] for each in fleet.hub.get("/api/hub/alerts")["alerts"]]


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def agentds(fleet: Fleet) -> list[int]:
    """Return the pids of the fleet's running agents."""
    return [int(each.split(":")[1]) for each in fleet.containers()]


def test_a_stopped_reconciler_degrades_the_hub_which_comes_back_by_itself(
    watched: tuple[Fleet, Webhook],
) -> None:
    fleet, hook = watched
    agents = fleet.containers()
    with stopped(fleet.children()["reconcile"]):
        until(lambda: mode(fleet) == "degraded", what="degraded", timeout_s=20)
        found = fleet.hub.get("/api/hub/mode")
        assert found["reason"].startswith("the reconciler is silent")
        assert [each["name"] for each in found["causes"]] == ["reconciler"]
        assert "since" in fleet.run("status").stdout
        refused = fleet.run("submit", "now?", code=None)
        assert refused.returncode == 4, refused.stderr
        until(lambda: "mode" in firing(fleet), what="the alert", timeout_s=5)
    until(lambda: "firing mode degraded" in hook.said(), what="the webhook told", timeout_s=20)
    until(lambda: mode(fleet) == "normal", what="normal again", timeout_s=60)
    until(lambda: "resolved mode degraded" in hook.said(), what="told again", timeout_s=20)
    assert fleet.containers() == agents
    journal = json.loads(fleet.run("journal", "-o", "json").stdout)["lines"]
    kinds = [each["entry"]["kind"] for each in journal]
    assert kinds.index("mode.entered.degraded") < kinds.index("mode.entered.normal")


def test_panic_stops_everything_keeps_the_evidence_and_a_resume_brings_it_back(
    watched: tuple[Fleet, Webhook],
) -> None:
    fleet, hook = watched
    private = fleet.standins[scene.PRIVATE]
    private.slow_s = 60.0
    try:
        task = fleet.submit("Endless", sensitivity="confidential")
        until(lambda: private.open_streams > 0, what="the model at work")
        pids = agentds(fleet)
        said = fleet.run("panic", "--reason", "a leak")
        assert "panic: a leak" in said.stdout
        until(lambda: not any(map(_runs, pids)), what="every agent dead", timeout_s=20)
        until(lambda: private.open_streams == 0, what="the model left alone", timeout_s=5)
    finally:
        private.slow_s = 0.0
    until(lambda: fleet.containers() == set(), what="the hub knowing it", timeout_s=10)
    assert fleet.task(task)["state"] == "queued"
    ready = fleet.hub.get("/api/hub/mode")
    assert (ready["mode"], ready["reason"]) == ("panic", "a leak")
    assert ready["who"].startswith("operator:")
    kept = list((fleet.paths.logs / "panic").glob("*.log"))
    assert len(kept) == len(pids)
    records = list(fleet.paths.state.glob("process/**/record.json"))
    assert len(records) == len(pids)  # what an engine would list as exited
    until(lambda: "firing mode panic" in hook.said(), what="the webhook told", timeout_s=20)

    # it outlives a restart of everything, and nothing is created meanwhile
    assert fleet.stop() == 0
    fleet.start()
    until(lambda: fleet.hub.get("/api/hub/plan")["at_s"], what="a pass")
    assert mode(fleet) == "panic"
    assert fleet.containers() == set()
    assert list(fleet.paths.state.glob("process/**/record.json")) == records
    assert fleet.run("pause", code=None).returncode == 1

    assert "normal" in fleet.run("resume", "--reason", "found it").stdout
    until(fleet.all_running, what="all agents back", timeout_s=30)
    assert fleet.ended(task)["state"] == "completed"


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_alerts_are_listed_firing_and_resolved(watched: tuple[Fleet, Webhook]) -> None:
    fleet, _ = watched
    fleet.submit("nobody may", sensitivity="confidential", capabilities=["deep-reasoning"])
    until(lambda: "tasks-held" in firing(fleet), what="the alert", timeout_s=15)
    assert "tasks-held" in fleet.run("alerts").stdout
    every = json.loads(fleet.run("alerts", "--all", "-o", "json").stdout)["alerts"]
    modes = {each["subject"]: each["state"] for each in every if each["check"] == "mode"}
    assert modes["panic"] == "resolved"


def test_the_watchdog_tells_of_a_hub_that_is_killed_and_of_its_return(
    watched: tuple[Fleet, Webhook], tmp_path: Path
) -> None:
    fleet, hook = watched
    assert fleet.run("watchdog", "--once").stdout.strip() == "the hub answers"
    log = (tmp_path / "watchdog.log").open("wb")
    options = ["--after", "1s", "--every", "0.2s", "--webhook", hook.url]
    dog = subprocess.Popen(fleet.command("watchdog", *options), stderr=log, stdout=log)
    told = len(hook.got)
    try:
        until(lambda: b"watching" in Path(log.name).read_bytes(), what="the watchdog up")
        assert fleet.stop() == 0
        until(lambda: "firing hub" in hook.said()[told:], what="the alarm", timeout_s=20)
        assert fleet.run("watchdog", "--once", code=None).returncode == 4
        fleet.start()
        until(lambda: "resolved hub" in hook.said()[told:], what="the all-clear", timeout_s=20)
    finally:
        dog.send_signal(signal.SIGTERM)
        assert dog.wait(10) == 0
        log.close()
    sent = [each for each in hook.got[told:] if each["check"] == "hub"]
    assert {each["origin"] for each in sent} >= {"watchdog"}


def test_the_watchdog_tells_of_a_hub_that_hangs(watched: tuple[Fleet, Webhook]) -> None:
    fleet, _ = watched
    until(lambda: len(fleet.children()) == 4, what="four processes")
    with stopped(fleet.children()["hub"]):
        assert fleet.run("watchdog", "--once", code=None).returncode == 4
