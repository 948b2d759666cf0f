"""What every kind of test may ask for: a real container engine, the agents' image, the real CLI, a browser.

Where one isn't there its tests are skipped; with AGENTCTL_REQUIRE_ENGINE=1 (as CI sets it) they fail.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import hypothesis
import pytest

from agentctl.engine import image
from agentctl.engine.base import cache_dir
from agentctl.engine.reader import Reader

DOCKER_URL = os.environ.get("AGENTCTL_TEST_ENGINE", "unix:///var/run/docker.sock")
REQUIRED = os.environ.get("AGENTCTL_REQUIRE_ENGINE") == "1"
IMAGE = "agentctl/agent:test"
CLAUDE_IMAGE = "agentctl/agent:test-claude"
# How long one example takes says more of the machine's other work than of the code: bench/ measures.
hypothesis.settings.register_profile("agentctl", deadline=None)
hypothesis.settings.load_profile("agentctl")
BUILD_S_MAX = 600  # a first base image takes minutes where the mirror is far


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that may build an image the time for it."""
    for item in items:
        builds = {"agent_image", "claude_image"} & set(getattr(item, "fixturenames", ()))
        if builds and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(BUILD_S_MAX))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or fail where it is required, what needs something that isn't there."""
    if item.get_closest_marker("engine") is not None:
        _need(engine_trouble(), f"no container engine at {DOCKER_URL}")
    if item.get_closest_marker("claude") is not None:
        found = image.cached_claude() is not None
        _need("" if found else "not in the cache", "no Claude Code CLI; run script/fetch-claude")
    if item.get_closest_marker("browser") is not None:
        lacking = [each for each in ("chromium", "chromedriver") if not shutil.which(each)]
        _need(", ".join(lacking), "no browser; run script/browser")


def _need(trouble: str, what: str) -> None:
    if trouble and REQUIRED:
        pytest.fail(f"{what} ({trouble}), and AGENTCTL_REQUIRE_ENGINE=1 wants it", pytrace=False)
    if trouble:
        pytest.skip(f"{what} ({trouble})")


@cache
def engine_trouble() -> str:
    """Return why no engine answers, or ""."""
    try:
        Reader(DOCKER_URL, timeout_s=5.0).get("/version")
    except (OSError, ValueError) as why:
        return str(why)
    return ""


@pytest.fixture(scope="session")
def docker_url() -> str:
    """The address of the real engine."""
    _need(engine_trouble(), f"no container engine at {DOCKER_URL}")
    return DOCKER_URL


@pytest.fixture(scope="session")
def agent_image(docker_url: str) -> str:
    """The agents' image without the CLI, built of this tree's agentd; kept for the next run."""
    with _one_builder():
        image.build(docker_url, tag=IMAGE, progress=print)
    return IMAGE


@pytest.fixture(scope="session")
def claude_image(docker_url: str) -> str:
    """The agents' image with the real Claude Code CLI."""
    claude = image.cached_claude()
    _need("" if claude else "not in the cache", "no Claude Code CLI; run script/fetch-claude")
    with _one_builder():
        image.build(docker_url, tag=CLAUDE_IMAGE, claude=claude, progress=print)
    return CLAUDE_IMAGE


@contextmanager
def _one_builder() -> Iterator[None]:
    """Let parallel test workers build an image one after the other: the second finds it made."""
    lock = Path(cache_dir()) / "image.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
