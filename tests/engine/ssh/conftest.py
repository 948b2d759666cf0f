"""Another host with the machine's own engine, reached by a real ssh and a real sshd."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.paths import StatePaths
from tests.fakes.other_host import OtherHost


@pytest.fixture(scope="session")
def a_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherHost]:
    made = OtherHost(tmp_path_factory.mktemp("host"))
    yield made
    made.stop()


@pytest.fixture
def host(a_host: OtherHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherHost]:
    """The host as it was made: known by its key, up, and its operator's ssh on the PATH."""
    monkeypatch.setenv("PATH", f"{a_host.bin}:{os.environ['PATH']}")
    yield a_host
    a_host.know()
    a_host.stop()
    a_host.start()


@pytest.fixture
def paths(tmp_path: Path) -> StatePaths:
    made = StatePaths(tmp_path / "state")
    made.prepare()
    return made
