"""Failpoints are armed by name, for tests alone, and do nothing otherwise."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agentctl import failpoints
from agentctl.errors import ConfigError, Unavailable

ROOT = Path(__file__).parents[3]
HIT = "from agentctl import failpoints; failpoints.hit('store.commit.after'); print('alive')"


def run(armed: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", HIT],
        env={failpoints.VARIABLE: armed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_unarmed_nothing_happens() -> None:
    for name in failpoints.NAMES:
        failpoints.hit(name)


def test_an_armed_error_is_one_that_may_go_away() -> None:
    with (
        failpoints.armed("service.submit.before=error"),
        pytest.raises(Unavailable, match=re.escape("failpoint service.submit.before")),
    ):
        failpoints.hit("service.submit.before")
    failpoints.hit("service.submit.before")


def test_a_count_arms_one_hit_alone() -> None:
    with failpoints.armed("service.submit.before=error@2"):
        failpoints.hit("service.submit.before")
        with pytest.raises(Unavailable):
            failpoints.hit("service.submit.before")
        failpoints.hit("service.submit.before")


def test_a_delay_dawdles() -> None:
    began = time.monotonic()
    with failpoints.armed("store.commit.before=delay:0.05"):
        failpoints.hit("store.commit.before")
    assert time.monotonic() - began >= 0.05


def test_the_environment_arms_a_process_of_a_checkout() -> None:
    assert run("store.commit.after=kill").returncode == -9
    assert run("store.commit.before=kill").stdout == "alive\n"


def test_an_installed_package_has_nothing_to_arm(tmp_path: Path) -> None:
    armed = {failpoints.VARIABLE: "store.commit.after=kill"}
    assert failpoints.from_environment(armed, ROOT / "agentctl")
    assert failpoints.from_environment(armed, tmp_path / "site-packages" / "agentctl") == {}


@pytest.mark.parametrize(
    "text", ["no.such=kill", "store.commit.after=sleep", "store.commit.after=kill@x", "nonsense"]
)
def test_what_is_not_a_failpoint_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=failpoints.VARIABLE):
        failpoints.parse(text)


def test_every_name_is_hit_somewhere_and_every_hit_has_a_name() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "agentctl").rglob("*.py"))
    assert set(re.findall(r'failpoints\.hit\("([a-z.]+)"\)', code)) == failpoints.NAMES
