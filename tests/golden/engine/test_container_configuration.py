"""The whole request that makes a container, as text: a change to the baseline shows here first."""

import json
from pathlib import Path

import pytest

from agentctl.engine.baseline import container_config
from agentctl.model.fleet import Lifecycle
from tests.unit.engine.births import a_birth

DOOR = Path("/run/agentctl/0a1b2c3d/door")


@pytest.mark.parametrize("lifecycle", list(Lifecycle))
def test_the_request_is_as_written(lifecycle: Lifecycle) -> None:
    written = json.loads((Path(__file__).parent / f"{lifecycle}.json").read_text())
    assert container_config(a_birth(lifecycle), DOOR) == written


def test_a_secrets_source_is_not_in_the_request() -> None:
    assert "canary" not in json.dumps(container_config(a_birth(), DOOR))
