"""The other programs that read a project's files: fetched by script/fetch-readers, kept in the cache."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentctl.cli import run
from agentctl.engine.base import cache_dir
from tests.engine.readers.language_server import LanguageServer

REQUIRED = os.environ.get("AGENTCTL_REQUIRE_ENGINE") == "1"


def fetched(name: str, executable: str) -> Path:
    """Return the newest fetched program of that name; skip without it, fail where CI wants it."""
    found = sorted(each.parent / executable for each in (cache_dir() / name).glob("*/.fetched"))
    if found:
        return found[-1]
    said = f"no {name} in the cache; run script/fetch-readers"
    if REQUIRED:
        pytest.fail(said, pytrace=False)
    pytest.skip(said)


@pytest.fixture(scope="session")
def ansible_inventory() -> Path:
    return fetched("ansible-core", "bin/ansible-inventory")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A sample project as `agentctl init` writes it, its schemas beside it."""
    assert run(["init", str(tmp_path / "fleet")]) == 0
    return tmp_path / "fleet"


@pytest.fixture
def server(project: Path) -> Iterator[LanguageServer]:
    command = fetched("yaml-language-server", "node_modules/.bin/yaml-language-server")
    if shutil.which("node") is None:
        pytest.fail("yaml-language-server is fetched, but there is no node to run it")
    server = LanguageServer(command, project)
    yield server
    server.close()
