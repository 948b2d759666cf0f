"""The files that `agentctl units` writes, read by systemd's own programs."""

import stat
import subprocess
from pathlib import Path

import pytest

from agentctl.cli.units import RUNTIME
from tests.fakes.units import written

PROCESSES = ("hub", "gateway", "egress", "reconciler")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A machine's root with the files below /etc, and what the units start."""
    made = tmp_path_factory.mktemp("root")
    program = made / "opt" / "agentctl"
    program.parent.mkdir()
    program.touch(mode=0o755)
    (made / "etc").mkdir()
    (made / "etc" / "group").write_text("root:x:0:\ndocker:x:105:\n")
    (made / "etc" / "passwd").write_text("root:x:0:0::/:/bin/sh\n")
    written(made / "etc", program=program)
    _run("systemd-sysusers", f"--root={made}", str(made / "etc/sysusers.d/agentctl.conf"))
    return made


def _run(*words: str) -> str:
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_systemd_finds_nothing_to_say_of_the_units(root: Path) -> None:
    units = sorted((root / "etc/systemd/system").iterdir())
    assert [each.name for each in units] == [
        *(f"agentctl-{name}.service" for name in sorted(PROCESSES)),
        "agentctl.target",
    ]
    said = _run("systemd-analyze", "verify", "--man=no", *map(str, units))
    assert "agentctl" not in said


def test_each_account_is_in_the_groups_that_it_needs_and_no_others(root: Path) -> None:
    lines = [line.split(":") for line in (root / "etc/group").read_text().splitlines()]
    groups = {name: set(members.split(",")) - {""} for name, _, _, members in lines}
    all_four = {f"agentctl-{name}" for name in PROCESSES}
    assert groups["agentctl"] == all_four
    assert groups["docker"] == {"agentctl-reconciler"}
    assert groups["agentctl-hub"] == set()
    for name in ("gateway", "egress", "reconciler"):
        assert groups[f"agentctl-{name}"] == {"agentctl-hub"}


def test_nobody_but_the_processes_enters_where_the_sockets_stand(root: Path) -> None:
    _run(
        *("systemd-tmpfiles", "--create", f"--root={root}"),
        str(root / "etc/tmpfiles.d/agentctl.conf"),
    )
    runtime = root / RUNTIME.removeprefix("/")
    modes = {
        path: stat.S_IMODE((runtime / path).stat().st_mode)
        for path in (".", "door", "secrets", "engines")
    }
    assert modes == {".": 0o750, "door": 0o1775, "secrets": 0o700, "engines": 0o700}
    users = dict(line.split(":")[:3:2] for line in (root / "etc/passwd").read_text().splitlines())
    assert str(runtime.stat().st_uid) == users["agentctl-hub"]
