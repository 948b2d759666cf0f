"""A hub on a short socket path, for each test of agentd's wire."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.hub_for_agentd import HubForAgentd


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="agentd-") as made:
        yield Path(made)


@pytest.fixture
def hub(folder: Path) -> Iterator[HubForAgentd]:
    made = HubForAgentd(folder / "hub.sock")
    made.start()
    yield made
    made.close()
