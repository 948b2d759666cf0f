"""Nothing stays behind in /run: not at a clean end, not of a dead installation; and nothing else is touched."""

import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agentctl import paths as places
from agentctl.client import target
from agentctl.errors import ConfigError
from agentctl.paths import RUNTIME_MARK, StatePaths
from agentctl.supervise import runtime

OWN = Path("/")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(places, "runtime_root", lambda: tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def paths(root: Path, tmp_path: Path) -> StatePaths:
    made = StatePaths(tmp_path / "state")
    made.prepare()
    return made


@pytest.fixture
def listener(paths: StatePaths) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(paths.hub_socket))
        bound.listen()
        yield bound


def dead(paths: StatePaths) -> StatePaths:
    shutil.rmtree(paths.state)
    return paths


def stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


def test_a_clean_end_leaves_nothing(paths: StatePaths, root: Path) -> None:
    stale(paths.operator_socket)  # of a child that was killed
    stale(paths.llm_socket)
    (paths.runtime / "secrets" / "local").mkdir(parents=True)
    assert runtime.clear(paths)
    assert list(root.iterdir()) == []
    paths.prepare()  # and the next start makes it anew
    assert paths.door.is_dir()


def test_a_door_that_is_mounted_stays_with_all_around_it(
    paths: StatePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = paths.door.stat().st_ino
    monkeypatch.setattr(runtime, "mounted", lambda directory: directory == paths.door)
    assert not runtime.clear(paths)
    assert runtime.sweep(paths.runtime.parent, but=OWN) == []
    dead(paths)
    assert runtime.sweep(paths.runtime.parent, but=OWN) == []
    assert paths.door.stat().st_ino == door


def test_what_somebody_listens_on_stays(paths: StatePaths, listener: socket.socket) -> None:
    assert not runtime.clear(paths)
    dead(paths)
    assert runtime.sweep(paths.runtime.parent, but=OWN) == []
    assert paths.hub_socket.exists()


def test_secrets_of_agents_that_run_stay_at_a_clean_end(paths: StatePaths) -> None:
    secret = paths.runtime / "secrets" / "local" / "acme-a-0" / "token"
    secret.parent.mkdir(parents=True)
    secret.write_text("x")
    assert not runtime.clear(paths)
    assert secret.exists()
    assert paths.door.exists()
    dead(paths)
    assert runtime.sweep(paths.runtime.parent, but=OWN) == [paths.runtime]
    assert not paths.runtime.exists()


def test_what_is_not_ours_stays(paths: StatePaths) -> None:
    (paths.runtime / "note").write_text("somebody's")
    assert not runtime.clear(paths)
    dead(paths)
    assert runtime.sweep(paths.runtime.parent, but=OWN) == []
    assert (paths.runtime / "note").exists()
    assert (paths.runtime / RUNTIME_MARK).exists()


def test_a_dead_installations_directory_is_swept_and_a_living_ones_is_not(
    paths: StatePaths, root: Path, tmp_path: Path
) -> None:
    other = StatePaths(tmp_path / "other")
    other.prepare()
    assert runtime.sweep(root, but=OWN) == []
    dead(paths)
    assert runtime.sweep(root, but=paths.runtime) == []
    assert runtime.sweep(root, but=other.runtime) == [paths.runtime]
    assert [each.name for each in root.iterdir()] == [other.runtime.name]


def test_only_what_says_itself_whose_it_is_is_swept(
    paths: StatePaths, root: Path, tmp_path: Path
) -> None:
    mark = paths.runtime / RUNTIME_MARK
    dead(paths)
    for said in (b"", b"relative/state", str(tmp_path / "elsewhere").encode(), b"/x\0y", b"\xff"):
        mark.write_bytes(said)
        assert runtime.sweep(root, but=OWN) == []
    mark.unlink()
    assert runtime.sweep(root, but=OWN) == []
    mark.write_text(str(paths.state))
    paths.runtime.chmod(0o755)  # somebody else may have written there
    assert runtime.sweep(root, but=OWN) == []
    paths.runtime.chmod(0o700)
    (root / "deadbeef").symlink_to(paths.runtime)
    assert runtime.sweep(root, but=OWN) == [paths.runtime]


@pytest.mark.parametrize("spoilt", ["open", "another's", "link"])
def test_a_root_that_another_account_could_write_is_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    """In /tmp anybody may have made it first, with a socket where operators look for the hub's."""
    root.mkdir(mode=0o700)
    if spoilt == "open":
        root.chmod(0o777)
    elif spoilt == "link":
        root.rename(tmp_path / "elsewhere")
        root.symlink_to(tmp_path / "elsewhere")
    else:
        if os.getuid() == 0:
            os.chown(root, 12345, 12345)
        monkeypatch.setattr("os.geteuid", lambda: 54321)
    with pytest.raises(ConfigError, match="another account"):
        StatePaths(tmp_path / "state").prepare()
    with pytest.raises(ConfigError, match="another account"):
        target(Settings(Path(tmp_path / "state")))
    assert target(Settings(Path(tmp_path / "state"), hub="/x.sock")) == "/x.sock"
    assert not (tmp_path / "state").exists()


@dataclass(frozen=True)
class Settings:
    state: Path
    hub: str = ""


def test_no_root_is_nothing_to_sweep(tmp_path: Path) -> None:
    assert runtime.sweep(tmp_path / "none", but=OWN) == []
