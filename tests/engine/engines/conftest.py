"""The engines that the shared suite runs against, each with a rig around it."""

import io
import os
import shutil
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from agentctl.engine import Engine, open_engine
from agentctl.engine.process import ProcessEngine
from agentctl.model.fleet import Host, Isolation
from agentctl.paths import StatePaths
from tests.engine.engines.rigs import Rig, stand_in
from tests.fakes.engine import FakeEngine
from tests.fakes.other_host import OtherHost

STAND_IN_IMAGE = "agentctl/enginetest:stand-in"


@pytest.fixture(scope="session")
def stand_in_image(docker_url: str, agent_image: str) -> str:
    """The agents' image with the stand-in where agentd was."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        _add(archive, "stand_in", stand_in().read_bytes())
        dockerfile = f"FROM {agent_image}\nCOPY stand_in /opt/agentctl/agentd.pyz\n"
        _add(archive, "Dockerfile", dockerfile.encode())
    client = docker.DockerClient(base_url=docker_url)
    client.images.build(
        fileobj=io.BytesIO(context.getvalue()), custom_context=True, tag=STAND_IN_IMAGE, rm=True
    )
    client.close()
    return STAND_IN_IMAGE


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o644
    archive.addfile(entry, io.BytesIO(content))


def _opened(host: Host, paths: StatePaths, installation: str, fleet: str) -> Engine:
    if host.engine_url == "process:":
        program = stand_in().read_bytes()
        return ProcessEngine(
            host, paths=paths, installation=installation, fleet=fleet, program=program
        )
    return open_engine(host, paths=paths, installation=installation, fleet=fleet)


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[StatePaths]:
    made = StatePaths(tmp_path / "state")
    made.prepare()
    yield made
    shutil.rmtree(made.runtime, ignore_errors=True)


@pytest.fixture
def docker_rig(paths: StatePaths, docker_url: str, stand_in_image: str) -> Iterator[Rig]:
    """A real Docker Engine."""
    rig = Rig(
        kind="docker",
        host=Host(name="local", engine_url=docker_url),
        paths=paths,
        installation=f"enginetest-{uuid.uuid4().hex[:12]}",
        image=stand_in_image,
        opener=_opened,
    )
    yield rig
    rig.clean()


@pytest.fixture(scope="session")
def other_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherHost]:
    made = OtherHost(tmp_path_factory.mktemp("host"))
    yield made
    made.end()


@pytest.fixture
def ssh_rig(
    paths: StatePaths,
    other_host: OtherHost,
    stand_in_image: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Rig]:
    """The real Docker Engine as that of another host."""
    monkeypatch.setenv("PATH", f"{other_host.bin}:{os.environ['PATH']}")
    opened: list[Engine] = []

    def opener(host: Host, paths: StatePaths, installation: str, fleet: str) -> Engine:
        opened.append(
            open_engine(host, paths=paths, installation=installation, fleet=fleet, carried=_unsaid)
        )
        assert opened[-1].observe().reachable  # whoever asks an engine has looked at it before
        return opened[-1]

    rig = Rig(
        kind="ssh",
        host=Host(name="far", engine_url="ssh://far1"),
        paths=paths,
        installation=uuid.uuid4().hex,
        image=stand_in_image,
        opener=opener,
    )
    yield rig
    rig.clean()
    for each in opened:
        each.close()
    other_host.doors_of.add(rig.installation)


def _unsaid(_instance: str, _host: str, _process: str) -> None:
    """Nobody connects to a hub here."""


@pytest.fixture
def process_rig(paths: StatePaths) -> Iterator[Rig]:
    """Plain processes."""
    rig = Rig(
        kind="process",
        host=Host(name="here", engine_url="process:", isolation=Isolation.NONE),
        paths=paths,
        installation="enginetest-processes",
        image="none",
        opener=_opened,
    )
    yield rig
    rig.clean()


@pytest.fixture
def fake_rig(paths: StatePaths) -> Rig:
    """The engine in memory. Opened again it is the same memory, seen by another installation."""
    shared: list[FakeEngine] = []

    def opener(host: Host, _paths: StatePaths, installation: str, fleet: str) -> Engine:
        engine = FakeEngine(host=host, installation=installation, fleet=fleet)
        if shared:
            engine.containers, engine.workspaces = shared[0].containers, shared[0].workspaces
            engine.boots = shared[0].boots
        shared.append(engine)
        return engine

    return Rig(
        kind="fake",
        host=Host(name="memory", engine_url="unix:///nowhere"),
        paths=paths,
        installation="enginetest-memory",
        image="none",
        opener=opener,
    )


REAL = ("docker", "ssh") if os.environ.get("AGENTCTL_SSH_ENGINE") else ("docker",)


@pytest.fixture(
    params=["fake", "process", *(pytest.param(each, marks=pytest.mark.engine) for each in REAL)]
)
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each engine in turn; over ssh in the long form (script/ssh-engine)."""
    found: Rig = request.getfixturevalue(f"{request.param}_rig")
    return found
