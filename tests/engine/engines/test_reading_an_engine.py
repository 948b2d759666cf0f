"""The reader sees what the engine sees, and can do nothing else."""

import pytest

from agentctl.engine import reader
from agentctl.model.fleet import Host
from agentctl.paths import StatePaths
from tests.engine.engines.rigs import Rig


@pytest.mark.parametrize("kind", ["process", pytest.param("docker", marks=pytest.mark.engine)])
def test_it_sees_what_the_engine_sees(request: pytest.FixtureRequest, kind: str) -> None:
    rig: Rig = request.getfixturevalue(f"{kind}_rig")
    rig.run(rig.birth(agent="one"))
    rig.engine.create(rig.birth(agent="two"))
    seen = reader.observe(rig.host, paths=rig.paths, installation=rig.installation)
    assert len(seen.containers) == 2
    assert seen == rig.engine.observe()


def test_an_engine_that_is_away_is_an_error_and_not_an_exception(paths: StatePaths) -> None:
    host = Host(name="far", engine_url="unix:///nowhere/docker.sock")
    seen = reader.observe(host, paths=paths, installation="i")
    assert not seen.reachable
    assert "unix:///nowhere/docker.sock" in seen.error
