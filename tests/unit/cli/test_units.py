"""`agentctl units`: files for a machine's /etc, or a reason why they could not work there."""

import json
from pathlib import Path

import pytest

from agentctl.cli import run
from agentctl.cli.units import rendered
from agentctl.errors import EXIT_ERROR, EXIT_OK

PROGRAM = "/opt/agentctl/bin/agentctl"


def test_the_files_stand_as_they_belong_below_etc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["units", str(tmp_path), "--program", PROGRAM, "-o", "json"]) == EXIT_OK
    files = json.loads(capsys.readouterr().out)["files"]
    assert set(files) == {
        *(f"systemd/system/agentctl-{each}.service" for each in ("hub", "gateway", "egress")),
        "systemd/system/agentctl-reconciler.service",
        "systemd/system/agentctl.target",
        "sysusers.d/agentctl.conf",
        "tmpfiles.d/agentctl.conf",
    }
    assert all((tmp_path / each).is_file() for each in files)


def test_what_is_there_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "sysusers.d" / "agentctl.conf"
    mine.parent.mkdir()
    mine.write_text("mine")
    assert run(["units", str(tmp_path), "--program", PROGRAM]) == EXIT_ERROR
    assert "is already there; nothing was written" in capsys.readouterr().err
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [mine]
    assert mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("agentctl", "can't stand in a unit"),
        ("/opt/my agentctl", "can't stand in a unit"),
        ("/opt/$HOME", "can't stand in a unit"),
        ("/opt/%h", "can't stand in a unit"),
        ("/home/me/.venv/bin/agentctl", "it is in a home directory"),
        ("/root/.venv/bin/agentctl", "it is in a home directory"),
    ],
)
def test_a_program_that_the_services_could_not_start_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], program: str, said: str
) -> None:
    assert run(["units", str(tmp_path / "etc"), "--program", program]) == EXIT_ERROR
    assert said in capsys.readouterr().err
    assert not (tmp_path / "etc").exists()


@pytest.mark.parametrize(
    "weaker", ["ProtectProc", "PrivateUsers", "PrivatePIDs", "PrivateNetwork", "DynamicUser"]
)
def test_no_unit_hides_from_the_hub_who_connects(weaker: str) -> None:
    """SO_PEERCRED and /proc/PID/cgroup attribute a connection: another namespace would break that."""
    for name, text in rendered(program=Path(PROGRAM)).items():
        assert not any(line.startswith(f"{weaker}=") for line in text.splitlines()), name


@pytest.mark.parametrize("process", ["hub", "gateway", "egress", "reconciler"])
def test_each_service_is_confined_alike(process: str) -> None:
    text = rendered(program=Path(PROGRAM))[f"systemd/system/agentctl-{process}.service"]
    lines = set(text.splitlines())
    assert {"NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict"} <= lines
    assert {f"User=agentctl-{process}", f"StateDirectory=agentctl/{process}"} <= lines


def test_a_group_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--state", str(tmp_path), "hub", "--gateway-group", "nobody-has-this"]
    assert run(words) == EXIT_ERROR
    assert "there is no group 'nobody-has-this'" in capsys.readouterr().err


def test_enabling_the_target_starts_all_four() -> None:
    files = rendered(program=Path(PROGRAM))
    services = {Path(each).name for each in files if each.endswith(".service")}
    target = dict(
        line.split("=", 1)
        for line in files["systemd/system/agentctl.target"].splitlines()
        if "=" in line
    )
    assert set(target["Wants"].split()) == services


def test_the_hub_is_told_the_names_that_a_proxy_is_asked_for() -> None:
    files = rendered(program=Path(PROGRAM), names=("fleet.example.com", "hub"))
    unit = files["systemd/system/agentctl-hub.service"]
    assert " hub --listen 127.0.0.1:8700 --name fleet.example.com --name hub --gateway" in unit
