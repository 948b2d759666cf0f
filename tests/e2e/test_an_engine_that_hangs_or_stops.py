"""An engine that hangs, or is gone, degrades the hub by name; the work goes on, and it recovers by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentctl.demo import scene
from agentctl.errors import Degraded
from tests.e2e.conftest import Fleet, fleet_of, until
from tests.fakes.engine_proxy import EngineProxy

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]
NOTICED_S = 60.0
RECOVERED_S = 90.0  # a degraded hub waits for half a minute without the cause


@pytest.fixture(scope="module")
def engine(docker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProxy]:
    door = tmp_path_factory.mktemp("engine") / "engine.sock"
    proxy = EngineProxy(door, Path(docker_url.removeprefix("unix://")))
    yield proxy
    proxy.resume()
    proxy.stop()


@pytest.fixture(scope="module")
def fleet(engine: EngineProxy, agent_image: str) -> Iterator[Fleet]:
    url = f"unix://{engine.door}"
    with fleet_of(engine_url=url, image=agent_image, executor="messages-api") as made:
        made.start()
        made.run("apply", "--yes")
        until(made.all_running, what="all agents running")
        yield made
        engine.resume()


def mode(fleet: Fleet) -> dict[str, Any]:
    found: dict[str, Any] = fleet.hub.get("/api/hub/mode")
    return found


@pytest.mark.parametrize("how", ["hung", "gone"])
def test_it_degrades_by_that_cause_and_recovers_by_itself(
    fleet: Fleet, engine: EngineProxy, how: str
) -> None:
    before = fleet.containers()
    fleet.standins[scene.PRIVATE].slow_s = 12.0
    running = fleet.submit("Work while the engine is away", sensitivity="confidential")
    until(lambda: fleet.task(running)["state"] == "running", what="running")
    (engine.hang if how == "hung" else engine.stop)()
    until(lambda: mode(fleet)["mode"] == "degraded", what="degraded", timeout_s=NOTICED_S)
    assert "no engine answers (local)" in mode(fleet)["reason"]
    with pytest.raises(Degraded, match="no engine answers"):
        fleet.submit("not now")
    assert fleet.hub.get("/healthz")
    assert fleet.ended(running)["state"] == "completed"
    fleet.standins[scene.PRIVATE].slow_s = 0.0
    (engine.resume if how == "hung" else engine.start)()
    until(lambda: mode(fleet)["mode"] == "normal", what="normal", timeout_s=RECOVERED_S)
    assert fleet.ended(fleet.submit("And on", sensitivity="confidential"))["state"] == "completed"
    assert fleet.containers() == before
