"""The stores that the shared suite runs against: LMDB on disk, and its double."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.store import Store
from tests.fakes.memory_store import MemoryStore


@pytest.fixture(params=["disk", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A new, empty store; every test that takes it holds for both kinds."""
    opened = Store.open(tmp_path / "store") if request.param == "disk" else MemoryStore()
    yield opened
    opened.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Store]:
    """A store on disk, for what memory can't show."""
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()
