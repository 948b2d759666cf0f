"""The real egress process in a small internet of the tests' own, asked through agentd's own forwarder.

The hub is the real one (store, journal, decisions), on the socket that egress asks.
"""

import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from agentctl.bootstrap import open_hub
from agentctl.hub import egress_app
from agentctl.model.digest import plain
from agentctl.model.fleet import DesiredState, Destination
from agentctl.paths import StatePaths
from agentctl.service import generations
from agentctl.service.context import Hub
from agentctl.service.instances import expire_leases
from agentctl.store import Store, journal
from agentctl.store import instances as instance_table
from agentctl.web.peer import container_of
from agentctl.web.servers import Server, unix_server
from agentd.forwarder import Forwarder
from tests.conftest import REQUIRED
from tests.fakes import certificates
from tests.fakes.clock import ManualClock
from tests.fakes.fleet import RESEARCHER, THINKER, fleet
from tests.fakes.internet import PRIVATE, PUBLIC
from tests.unit.service.conftest import ADMIN, HubAtHand
from tests.unit.service.test_egress import Held

ROOT = Path(__file__).parents[3]
NAMES = (
    "git.example",
    "npm.example",
    "inside.example",
    "mixed.example",
    "moves.example",
    "cache.example",
)
ZONES = {
    "git.example": [[PUBLIC]],
    "npm.example": [[PUBLIC]],
    "inside.example": [["127.0.0.1"]],
    "metadata.example": [["169.254.169.254"]],
    "mixed.example": [[PUBLIC, "127.0.0.1"]],
    "moves.example": [[PUBLIC], ["127.0.0.1"]],
    "arrives.example": [["127.0.0.1"], [PUBLIC]],
    "cache.example": [[PRIVATE]],
    "down.example": [["93.184.215.200"]],
}
WORLD = Destination(
    name="world",
    hosts=tuple((name, 443) for name in [*ZONES, "nowhere.example"] if name != "cache.example"),
    boundary="public",
)
CACHE = Destination(
    name="cache", hosts=(("cache.example", 443),), boundary="public", networks=("10.20.0.0/16",)
)
WEB = replace(THINKER, egress=("cache", "world"))


def until(look: Callable[[], Any], *, within_s: float = 10.0, what: str = "it") -> Any:
    """Return the first true answer of `look`; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {within_s} s")


def declared(*destinations: Destination) -> DesiredState:
    """Return the tests' fleet: the thinker may reach `world` and `cache`."""
    return replace(fleet(RESEARCHER, WEB), destinations=destinations or (WORLD, CACHE))


@dataclass
class Internet:
    """The namespaces, and what was seen in them."""

    folder: Path
    process: "subprocess.Popen[str]"

    def inside(self, *words: str) -> list[str]:
        """Return the command line that runs a program in there."""
        return ["nsenter", "--target", str(self.process.pid), "--net", "--mount", *words]

    def seen(self, kind: str) -> list[list[str]]:
        """Return what was asked ("name") or reached ("hit"), in order."""
        log = self.folder / "seen"
        lines = log.read_text().splitlines() if log.exists() else []
        return [found[1:] for found in map(json.loads, lines) if found[0] == kind]

    def forget(self) -> None:
        (self.folder / "seen").write_text("")


@pytest.fixture(scope="module")
def internet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """An internet of one module's own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        words = "a network namespace needs root and util-linux"
        (pytest.fail if REQUIRED else pytest.skip)(words)
    folder = tmp_path_factory.mktemp("internet")
    (folder / "www").mkdir()
    (folder / "zones.json").write_text(json.dumps(ZONES))
    certificates.write(folder, names=NAMES)
    process = subprocess.Popen(
        ["unshare", "--net", "--mount", sys.executable, "-m", "tests.fakes.internet", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n"
        yield Internet(folder, process)
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


class Stage:
    """A running egress, its hub, and one container at work: this process, as the kernel sees it."""

    def __init__(self, internet: Internet, paths: StatePaths, hub: Hub) -> None:
        self.internet = internet
        self.paths = paths
        self.hub = hub
        self.at = HubAtHand(hub, ManualClock())
        self.server: Server | None = None
        self.forwarder = Forwarder(str(paths.egress_door), to="egress")
        threading.Thread(target=self.forwarder.serve_forever, daemon=True).start()

    def begin(self) -> None:
        """Apply the fleet and give this process a task."""
        self.apply(declared())
        self.held = Held(self.at, container=container_of(os.getpid(), None))

    def apply(self, desired: DesiredState) -> None:
        newest = self.hub.fleet.generation.number if self.hub.fleet else 0
        generations.apply(
            self.hub, ADMIN, desired=plain(desired), expected=newest, commit="abc", prune=False
        )

    def serve(self) -> None:
        """Answer egress's questions."""
        self.server = unix_server(
            egress_app(self.hub), self.paths.egress_socket, mode=0o600, threads=8
        )
        self.server.run_in_thread()

    def away(self) -> None:
        """Answer no more."""
        assert self.server is not None
        self.server.close()

    def supersede(self) -> None:
        """End the attempt, as an expired lease would."""

        def work(txn: Any) -> None:
            instance = instance_table.get(txn, self.held.who.instance)
            assert instance is not None
            expire_leases(self.hub, txn, instance, "gone")

        self.hub.store.write(work)

    @property
    def proxy(self) -> str:
        return f"http://task:{self.held.token}@127.0.0.1:{self.forwarder.port}"

    @property
    def environ(self) -> dict[str, str]:
        """What agentd sets for the CLI, and the tests' own authority."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.internet.folder),
            "HTTPS_PROXY": self.proxy,
            "https_proxy": self.proxy,
            "NO_PROXY": "127.0.0.1,localhost",
            "GIT_SSL_CAINFO": str(self.ca),
            "NODE_EXTRA_CA_CERTS": str(self.ca),
        }

    @property
    def ca(self) -> Path:
        return self.internet.folder / "ca.pem"

    def run(self, *words: str, code: int = 0) -> str:
        """Run a program as the CLI's tools would; return all that it said."""
        ended = subprocess.run(
            words,
            env=self.environ,
            cwd=self.internet.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = ended.stdout + ended.stderr
        assert ended.returncode == code, said
        return said

    def tunnel(
        self, host: str, port: int = 443, *, token: str | None = None
    ) -> http.client.HTTPSConnection:
        """Return a connection that asks through a tunnel."""
        context = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.forwarder.port, timeout=20, context=context
        )
        token = self.held.token if token is None else token
        given = {"Proxy-Authorization": f"Basic {b64encode(f'task:{token}'.encode()).decode()}"}
        connection.set_tunnel(host, port, given if token else {})
        return connection

    def refusal(self, host: str, port: int = 443, **more: Any) -> str:
        """Return how a CONNECT is refused: `status reason`."""
        with pytest.raises(OSError, match="Tunnel connection failed") as refused:
            self.tunnel(host, port, **more).connect()
        return str(refused.value).removeprefix("Tunnel connection failed: ").strip()

    def get(self, host: str, path: str) -> tuple[int, str | None, bytes]:
        """Return status, Location and body of a GET through a tunnel."""
        connection = self.tunnel(host)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("Location"), answer.read()
        finally:
            connection.close()

    def lines(self, kind: str) -> list[dict[str, str]]:
        """Return the facts of the journal's lines of a kind."""
        with self.hub.store.read() as txn:
            return [each.entry.facts for each in journal.read(txn) if each.entry.kind == kind]

    def line(self, kind: str) -> dict[str, str]:
        """Return the facts of the last line of a kind, once there is one."""
        found: list[dict[str, str]] = until(lambda: self.lines(kind), what=kind)
        return found[-1]


@dataclass
class Process:
    """The running egress, and where its sockets are."""

    paths: StatePaths
    log: Path


@pytest.fixture(scope="module")
def process(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """One egress process for a module's tests, with the module's internet around it."""
    paths = StatePaths(tmp_path_factory.mktemp("egress") / "state")
    paths.prepare()
    log = paths.state / "egress.log"
    with log.open("wb") as out:
        egress = subprocess.Popen(
            internet.inside(
                sys.executable, "-m", "agentctl", "--state", str(paths.state), "egress"
            ),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},  # nsenter goes to /
            stdout=out,
            stderr=out,
        )
    try:
        until(lambda: "egress ready" in log.read_text(), what="a listening egress")
        yield Process(paths, log)
        egress.terminate()
        assert egress.wait(10) == 0, log.read_text()
        assert not paths.egress_door.exists(), "the socket goes with its process"
    finally:
        egress.kill()
        egress.wait()
        shutil.rmtree(paths.runtime, ignore_errors=True)
    assert "Traceback" not in log.read_text()


@pytest.fixture
def stage(internet: Internet, process: Process, tmp_path: Path) -> Iterator[Stage]:
    """A new hub behind the module's egress, with nothing seen and nothing written yet."""
    own = StatePaths(tmp_path / "state")
    for each in (own.state, own.store, own.keys):
        each.mkdir(mode=0o700, parents=True)
    internet.forget()
    store = Store.open(own.store)
    stage = Stage(internet, process.paths, open_hub(own, store))
    stage.begin()
    stage.serve()
    try:
        yield stage
    finally:
        stage.away()
        store.close()
    assert stage.held.token not in process.log.read_text(), "credentials are never logged"
