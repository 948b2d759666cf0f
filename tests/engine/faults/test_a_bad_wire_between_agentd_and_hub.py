"""The real agentd and the real hub with a wire between them that loses, doubles, delays and reorders."""

import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import until
from tests.engine.faults import cycles
from tests.fakes import agentd_process, fleet_load
from tests.fakes.after_kills import wrongs
from tests.fakes.fleet_load import Heard
from tests.fakes.hub_process import HubProcess, hub_process
from tests.fakes.proxy import Fate, Proxy

TASKS = 15
FATES: tuple[Fate, ...] = (
    "pass",
    "pass",
    "pass",
    "lose request",
    "lose answer",
    "double",
    "delay",
    "repeat an older one",
)


@pytest.fixture
def hub() -> Iterator[HubProcess]:
    with hub_process() as process:
        process.start()
        fleet_load.apply(process.paths, cycles.workers(2))
        yield process


@contextmanager
def agent(hub: HubProcess, folder: Path, replica: int, proxy: Path, *argv: str) -> Iterator[None]:
    """Run a real agentd whose way to the hub is the proxy; it is gone after."""
    instance, token = fleet_load.born(hub.paths, cycles.workers(2), "worker", replica)
    place = folder / f"agent-{replica}"
    (place / "workspace").mkdir(parents=True)
    document = agentd_process.boot_document(
        place,
        agent="worker",
        instance=instance,
        instance_token=token,
        hub_socket=str(proxy),
        executor=agentd_process.command(*argv),
        grace_s=1,
    )
    process: subprocess.Popen[bytes] = agentd_process.start()
    assert process.stdin is not None
    assert process.stderr is not None
    process.stderr.close()
    process.stdin.write(json.dumps(document).encode())
    process.stdin.close()
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()


def submit(hub: HubProcess, number: int = 0) -> str:
    body = {"prompt": f"say {number}", "agent": "worker", "max_attempts": 3}
    return str(hub.operator.post("/api/hub/tasks", body)["id"])


def task(hub: HubProcess, task_id: str) -> dict[str, Any]:
    return hub.operator.get(f"/api/hub/tasks/{task_id}")


def test_every_task_is_done_once_however_bad_the_wire(hub: HubProcess, tmp_path: Path) -> None:
    chance = random.Random(20261122)
    with ExitStack() as stack:
        proxies = []
        for replica in range(2):
            door = tmp_path / f"{replica}.sock"
            proxies.append(Proxy(door, hub.paths.hub_socket, lambda: chance.choice(FATES)))
            stack.callback(proxies[-1].close)
            stack.enter_context(agent(hub, tmp_path, replica, door, "cat"))
        tasks = {submit(hub, number): number for number in range(TASKS)}
        until(lambda: counts(hub)["completed"] == TASKS, what="all results")
        rows = {each: task(hub, each) for each in tasks}
    assert {each: row["result"]["text"] for each, row in rows.items()} == {
        each: f"say {number}" for each, number in tasks.items()
    }
    assert set(FATES) == {fate for each in proxies for fate in each.fates}
    assert not hub.crashes()
    hub.stop()
    heard = Heard(acknowledged={str(number): each for each, number in tasks.items()})
    assert wrongs(hub.paths, heard) == []


def counts(hub: HubProcess) -> dict[str, int]:
    found: dict[str, int] = hub.operator.get("/api/hub/status")["tasks"]
    return found


def test_an_agent_that_vanishes_and_returns_late_changes_nothing(
    hub: HubProcess, tmp_path: Path
) -> None:
    slow, quick = Proxy(tmp_path / "a", hub.paths.hub_socket), hub.paths.hub_socket
    via = Proxy(tmp_path / "b", quick)
    with agent(hub, tmp_path, 0, tmp_path / "a", "sh", "-c", "sleep 1; echo late"):
        wanted = submit(hub)
        until(lambda: task(hub, wanted)["state"] == "running", what="running")
        slow.cut()
        with agent(hub, tmp_path, 1, tmp_path / "b", "echo", "in time"):
            until(lambda: task(hub, wanted)["state"] == "completed", what="the second attempt")
            settled = task(hub, wanted)
            asked = len(slow.fates)
            slow.mend()
            until(lambda: len(slow.fates) > asked + 2, what="the first one's return")
    assert (settled["attempt"], settled["result"]["text"].strip()) == (2, "in time")
    assert task(hub, wanted) == settled
    slow.close()
    via.close()


def test_a_result_that_found_no_hub_counts_when_the_hub_is_back(
    hub: HubProcess, tmp_path: Path
) -> None:
    proxy = Proxy(tmp_path / "a", hub.paths.hub_socket)
    with agent(hub, tmp_path, 0, tmp_path / "a", "sh", "-c", "sleep 0.5; echo four"):
        wanted = submit(hub)
        until(lambda: task(hub, wanted)["state"] == "running", what="running")
        hub.kill()
        asked = len(proxy.fates)
        until(lambda: len(proxy.fates) > asked + 3, what="an agent that asks in vain")
        hub.start()
        until(lambda: task(hub, wanted)["state"] == "completed", what="the result")
    assert (task(hub, wanted)["attempt"], task(hub, wanted)["result"]["text"].strip()) == (
        1,
        "four",
    )
    proxy.close()
