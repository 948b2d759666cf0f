"""An engine behind sshd is looked at like one here; what goes wrong is said in ssh's own words, in time."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from agentctl.cli import run
from agentctl.engine import reader
from agentctl.engine.reader import Reader
from agentctl.engine.ssh import command
from agentctl.engine.ssh.reach import reached
from agentctl.errors import EngineUnavailable
from agentctl.model.fleet import Host
from agentctl.paths import StatePaths
from tests.engine.plan.test_plan_only_reads import RecordingProxy, planned
from tests.fakes.other_host import OtherHost, ssh_processes

pytestmark = pytest.mark.engine


def look(url: str, paths: StatePaths) -> str:
    """Return why the host can't be looked at, "" when it can."""
    seen = reader.observe(Host(name="far", engine_url=url), paths=paths, installation="i-1")
    assert seen.name == "far"
    return seen.error


def test_its_engine_answers_at_a_socket_of_this_account_alone(host: OtherHost) -> None:
    with reached("ssh://far1") as url:
        socket = Path(url.removeprefix("unix://"))
        assert socket.stat().st_mode & 0o777 == 0o600
        assert socket.parent.stat().st_mode & 0o777 == 0o700
        assert Reader(url).get("/version")["ApiVersion"]
        assert ssh_processes(str(socket))
    assert not ssh_processes(str(socket))
    assert not socket.parent.exists()


def test_a_look_shows_its_containers(host: OtherHost, paths: StatePaths) -> None:
    assert look("ssh://far1", paths) == ""


def test_user_and_port_are_ssh_s(host: OtherHost, paths: StatePaths) -> None:
    assert look("ssh://root@far1", paths) == ""
    assert "Connection refused" in look("ssh://root@far1:1", paths)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ssh://127.0.0.1:1", "connect to host 127.0.0.1 port 1: Connection refused"),
        ("ssh://no-such-host.invalid", "Could not resolve hostname no-such-host.invalid"),
        ("ssh://nokey", "root@127.0.0.1: Permission denied (publickey)."),
    ],
)
def test_what_ssh_says_is_what_is_told(
    host: OtherHost, paths: StatePaths, url: str, why: str
) -> None:
    found = look(url, paths)
    assert found.startswith(f"{url}: ")
    assert why in found
    assert "\n" not in found


def test_a_host_without_an_engine_is_told_from_one_that_is_away(
    paths: StatePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = OtherHost(tmp_path, engine=Path("/dev/null"))  # whatever connects there is refused
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    try:
        found = look("ssh://far1", paths)
    finally:
        host.stop()
    assert "the host answers, but /var/run/docker.sock there is not this account's" in found


def test_a_changed_host_key_is_refused_whatever_the_configuration_says(
    host: OtherHost, paths: StatePaths
) -> None:
    host.know("other_id")
    assert "the host key has changed" in look("ssh://far1", paths)
    (host.folder / "known_hosts").write_text("")
    assert f"no host key is known for [127.0.0.1]:{host.port}" in look("ssh://far1", paths)
    assert (host.folder / "known_hosts").read_text() == "", "and none is learnt in passing"


def test_a_host_that_says_nothing_is_given_up_in_time(
    host: OtherHost, paths: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = [each for each in command.OPTIONS if "Timeout" not in each]
    monkeypatch.setattr(command, "OPTIONS", (*quick, "ConnectTimeout=1"))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        began_s = time.monotonic()
        found = look(f"ssh://127.0.0.1:{silent.getsockname()[1]}", paths)
    assert "timed out" in found
    assert time.monotonic() - began_s < 10


def test_a_machine_without_ssh_says_what_is_missing(
    paths: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install OpenSSH's client" in look("ssh://far1", paths)


def test_an_unreachable_host_raises_its_reason(host: OtherHost) -> None:
    with pytest.raises(EngineUnavailable, match="Connection refused"), reached("ssh://far1:1"):
        raise AssertionError("nothing is reached")


def test_plan_asks_an_engine_elsewhere_gets_alone(
    docker_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = RecordingProxy(tmp_path / "engine.sock", docker_url.removeprefix("unix://"))
    (tmp_path / "host").mkdir()
    host = OtherHost(tmp_path / "host", engine=proxy.path)
    monkeypatch.setenv("PATH", f"{host.bin}:{os.environ['PATH']}")
    try:
        project = tmp_path / "fleet"
        assert run(["init", str(project)]) == 0
        inventory = project / "inventory.yaml"
        text = inventory.read_text()
        inventory.write_text(text.replace("unix:///var/run/docker.sock", "ssh://far1"))
        (tmp_path / "state").mkdir()
        (tmp_path / "state/installation").write_text("none-of-these\n")
        ended = planned(tmp_path, project)
    finally:
        host.stop()
        proxy.close()
    assert json.loads(ended.stdout)["changes"]["create"] == 4  # so it did look
    assert proxy.requests == ["GET /containers/json", "GET /version"]
    assert host.logins == 1
