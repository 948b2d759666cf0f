"""The real Claude Code CLI under agentd: fetched by script/fetch-claude into the cache."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.hub_for_agentd import HubForAgentd
from tests.fakes.model_for_agentd import ModelForAgentd


@pytest.fixture(scope="session")
def claude() -> Path:
    """The newest CLI in the cache (its directory goes onto agentd's PATH)."""
    cache = Path(os.environ.get("AGENTCTL_CACHE") or Path.home() / ".cache" / "agentctl")
    found = sorted((cache / "claude").glob("*/claude"))
    if not found:
        pytest.skip("no Claude Code CLI in the cache: run script/fetch-claude")
    return found[-1]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory with a path short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="agentd-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture
def hub(folder: Path) -> Iterator[HubForAgentd]:
    made = HubForAgentd(folder / "hub.sock")
    made.start()
    yield made
    made.close()


@pytest.fixture
def model(folder: Path) -> Iterator[ModelForAgentd]:
    with ModelForAgentd(folder / "llm.sock").serving() as made:
        yield made
