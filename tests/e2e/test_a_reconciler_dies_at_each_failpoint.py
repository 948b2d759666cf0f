"""A reconciler killed between any two effects leaves nothing behind that the next one doesn't set right."""

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from agentctl import failpoints
from agentctl.engine import records
from agentctl.engine.records import Record
from agentctl.model.instance import ContainerState
from tests.e2e.conftest import Fleet, fleet_of, until

CREATING = sorted(
    each for each in failpoints.NAMES if each.startswith("execute.") and ".remove." not in each
)
REMOVING = ["execute.remove.before", "execute.remove.after"]
WANTED = {"clerk": 1, "researcher": 2, "thinker": 1}


@contextmanager
def alone(fleet: Fleet, *words: str, armed: str = "") -> "Iterator[subprocess.Popen[bytes]]":
    """Run one of the processes by itself, as an operator may: `serve` passes no failpoints on."""
    with (fleet.stage.root / "alone.log").open("ab") as log:
        process = subprocess.Popen(
            fleet.command(*words),
            cwd=Path(__file__).resolve().parents[2],
            env={**os.environ, failpoints.VARIABLE: armed},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A fleet of processes whose hub runs alone, and no reconciler."""
    with ExitStack() as stack:
        made = stack.enter_context(
            fleet_of(engine_url="process:", image="none", executor="messages-api")
        )
        stack.enter_context(alone(made, "hub", "--listen", made.listen))
        until(lambda: made.hub.get("/healthz"), what="the hub", timeout_s=20)
        yield made


def apply(fleet: Fleet) -> None:
    newest = fleet.hub.get("/api/hub/generations")["generations"]
    fleet.run("apply", "--yes", "--timeout", "1s", code=None)  # there is nobody to converge
    assert fleet.hub.get("/api/hub/generations")["generations"] != newest


def living(fleet: Fleet) -> list[Record]:
    folders = sorted((fleet.paths.state / "process").glob("*"))
    found = [each for folder in folders for each in records.read_all(folder)]
    return [each for each in found if records.state(each) is not ContainerState.EXITED]


def settled(fleet: Fleet) -> bool:
    """Whether every place has one living container, which the hub knows, and nothing else lives."""
    agents = fleet.hub.get("/api/hub/agents")["agents"]
    known = {
        one["container"]
        for each in agents
        for one in each["instances"]
        if one["state"] == "running"
    }
    there = living(fleet)
    of = Counter(each.labels["agentctl.agent"] for each in there)
    return of == WANTED and {each.id for each in there} == known


@pytest.mark.parametrize("name", CREATING)
def test_it_dies_while_it_creates(fleet: Fleet, name: str) -> None:
    apply(fleet)
    with alone(fleet, "reconcile", armed=f"{name}=kill@2") as doomed:
        assert doomed.wait(30) == -9
    with alone(fleet, "reconcile"):
        until(lambda: settled(fleet), what="one container for each place")


@pytest.mark.parametrize("name", REMOVING)
def test_it_dies_while_it_removes(fleet: Fleet, name: str) -> None:
    apply(fleet)
    with alone(fleet, "reconcile"):
        until(lambda: settled(fleet), what="one container for each place")
    before = {each.id for each in living(fleet)}
    path = fleet.stage.project / "playbooks" / "fleet.yaml"
    plays = yaml.safe_load(path.read_text())
    plays[0]["agent_defaults"]["ttl"] = "23h"  # another spec: both private agents are replaced
    path.write_text(yaml.safe_dump(plays, sort_keys=False))
    apply(fleet)
    with alone(fleet, "reconcile", armed=f"{name}=kill@2") as doomed:
        assert doomed.wait(30) == -9
    with alone(fleet, "reconcile"):
        until(
            lambda: settled(fleet) and len(before & {each.id for each in living(fleet)}) == 1,
            what="new containers for the private agents",
        )
