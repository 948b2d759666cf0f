"""A container's door on another host: its own connection, so what comes out of it here is told apart."""

import os
import shutil
import signal
import socket
import socketserver
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentctl.engine.ssh import scripts
from agentctl.engine.ssh.doors import Doors
from agentctl.errors import EngineUnavailable, HubUnavailable
from agentctl.model.ssh import ssh_address
from agentctl.paths import StatePaths
from agentctl.web.peer import peer_of
from tests.fakes.other_host import DOORS, OtherHost, ssh_processes

pytestmark = pytest.mark.engine

ONE, TWO = (f"inst-{number:026d}" for number in (1, 2))
INSTALLATION = "feedfacefeed"


class Attributed(socketserver.BaseRequestHandler):
    """Says to whoever connects who the kernel says that it is."""

    def handle(self) -> None:
        self.request.sendall(peer_of(self.request).container.encode())


class Told:
    """What would go to the hub: which process carries which instance's door."""

    def __init__(self) -> None:
        self.processes: dict[str, str] = {}
        self.away = False
        self.too_late: list[str] = []

    def __call__(self, instance: str, process: str) -> None:
        if self.away:
            raise HubUnavailable("the hub is away")
        if int(process.split(":")[1]) in ssh_processes():
            self.too_late.append(process)
        self.processes[instance] = process


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def hub(paths: StatePaths) -> Iterator[None]:
    servers = [
        socketserver.ThreadingUnixStreamServer(str(each), Attributed)
        for each in (paths.hub_socket, paths.llm_socket, paths.egress_door)
    ]
    for each in servers:
        threading.Thread(target=each.serve_forever, args=(0.02,), daemon=True).start()
    yield
    for each in servers:
        each.shutdown()
        each.server_close()


@pytest.fixture
def doors(host: OtherHost, hub: None, paths: StatePaths, told: Told) -> Iterator[Doors]:
    made = Doors(
        ssh_address("ssh://far1"),
        paths=paths,
        installation=INSTALLATION + "0" * 20,
        carried=told,
        host_up=lambda: None,
    )
    yield made
    made.close()
    until(lambda: not ssh_processes(INSTALLATION))
    shutil.rmtree(DOORS / INSTALLATION, ignore_errors=True)


def until(look: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def came_from(door: Path, name: str = "hub.sock") -> str:
    """Return who a connection through a door's socket comes from, as seen at its end here."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(door / name))
        return client.recv(100).decode()


def mode(path: Path) -> str:
    return stat.filemode(path.stat().st_mode)


def test_what_comes_out_of_a_door_is_attributed_to_its_carrier(doors: Doors, told: Told) -> None:
    one, two = doors.open(ONE), doors.open(TWO)
    for name in ("hub.sock", "llm.sock", "egress.sock"):
        assert came_from(one, name) == told.processes[ONE]
        assert came_from(two, name) == told.processes[TWO]
    assert told.processes[ONE] != told.processes[TWO]
    assert not told.too_late, "the hub hears of a process before it is ssh"


def test_others_there_cannot_enter_and_any_account_in_the_container_can_connect(
    doors: Doors,
) -> None:
    door = doors.open(ONE)
    assert mode(door) == "drwxr-xr-x"
    assert {mode(each) for each in (door.parent, door.parent.parent)} == {"drwx------"}
    assert mode(DOORS) == "drwx------"
    assert sorted(each.name for each in door.iterdir()) == ["egress.sock", "hub.sock", "llm.sock"]
    assert {mode(each) for each in door.iterdir()} == {"srw-rw-rw-"}


def test_a_connection_that_is_killed_comes_back_in_the_same_directory(
    doors: Doors, told: Told
) -> None:
    door = doors.open(ONE)
    inode, before = door.stat().st_ino, told.processes[ONE]
    (pid,) = ssh_processes(ONE)
    os.kill(pid, signal.SIGKILL)
    until(lambda: told.processes[ONE] != before)
    until(lambda: not doors_trouble(doors, ONE))
    assert came_from(door) == told.processes[ONE]
    assert door.stat().st_ino == inode, "a container would still have the old one mounted"


def test_a_host_that_was_away_gets_its_doors_back(
    doors: Doors, told: Told, host: OtherHost
) -> None:
    door, before = doors.open(ONE), told.processes[ONE]
    host.stop()
    until(lambda: not ssh_processes(ONE))
    host.start()
    until(lambda: told.processes[ONE] != before and not doors_trouble(doors, ONE))
    assert came_from(door) == told.processes[ONE]


def doors_trouble(doors: Doors, instance: str) -> str:
    try:
        doors.open(instance)
    except EngineUnavailable as why:
        return str(why)
    return ""


def test_nothing_comes_through_before_the_hub_knows_the_carrier(doors: Doors, told: Told) -> None:
    told.away = True
    assert "the hub is away" in doors_trouble(doors, ONE)
    assert not ssh_processes("-R", ONE)
    told.away = False
    until(lambda: not doors_trouble(doors, ONE))


def test_a_door_whose_container_has_ended_is_removed(doors: Doors) -> None:
    one, two = doors.open(ONE), doors.open(TWO)
    doors.keep({ONE, TWO})
    doors.keep({TWO})
    until(lambda: not one.parent.exists())
    assert not ssh_processes(ONE)
    assert two.exists()
    assert ssh_processes(TWO)


def test_a_door_that_is_being_opened_is_not_taken_for_one_that_has_ended(
    doors: Doors, told: Told
) -> None:
    one, carrier = doors.open(ONE), told.processes[ONE]
    doors.keep(set())  # a look that was made before its container was
    assert doors.open(ONE) == one
    assert told.processes[ONE] == carrier
    assert came_from(one) == carrier


def test_a_label_that_is_no_instance_opens_nothing(doors: Doors) -> None:
    doors.keep({"", "inst-", "inst-$(touch /tmp/owned)", f"../{ONE}"})
    assert not ssh_processes(INSTALLATION)


@pytest.fixture
def home() -> Iterator[Path]:
    """The home of an account that is not root; pytest's own directories let nobody else in."""
    made = Path(tempfile.mkdtemp(prefix="home-"))
    os.chown(made, 65534, 65534)
    yield made
    shutil.rmtree(made)


def test_an_account_that_is_not_root_has_its_doors_at_home(home: Path) -> None:
    made = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-s"],
        input=scripts.make(INSTALLATION, ONE),
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        cwd="/",
        capture_output=True,
        check=True,
    )
    door = home / ".agentctl-doors" / INSTALLATION / ONE / "door"
    assert made.stdout.decode() == f"door {door}\n"
    assert (mode(door), door.stat().st_uid) == ("drwxr-xr-x", 65534)
    assert {mode(each) for each in list(door.parents)[:3]} == {"drwx------"}


def test_closed_it_lets_go_and_leaves_the_directories_for_containers_that_go_on(
    doors: Doors,
) -> None:
    door = doors.open(ONE)
    doors.close()
    until(lambda: not ssh_processes(ONE))
    assert door.is_dir()
