"""Where sockets stand: made for a state directory, or looked at where others made it."""

import stat
from pathlib import Path

import pytest

from agentctl.errors import ConfigError
from agentctl.paths import StatePaths


@pytest.fixture
def shared(tmp_path: Path) -> StatePaths:
    """Paths of a process in a runtime directory that an administrator made."""
    runtime = tmp_path / "run"
    for made, mode in ((runtime, 0o750), (runtime / "door", 0o1775)):
        made.mkdir()
        made.chmod(mode)
    return StatePaths(tmp_path / "state", shared=runtime)


def test_a_shared_runtime_directory_is_used_as_it_is(shared: StatePaths) -> None:
    shared.prepare(shared.logs)
    assert shared.operator_socket == shared.runtime / "operator.sock"
    assert stat.S_IMODE(shared.runtime.stat().st_mode) == 0o750
    assert stat.S_IMODE(shared.door.stat().st_mode) == 0o1775
    assert sorted(each.name for each in shared.state.iterdir()) == ["logs"]
    assert stat.S_IMODE(shared.logs.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("mode", "door", "said"),
    [
        (0o755, 0o1775, "others may enter the runtime directory"),
        (0o751, 0o1775, "others may enter the runtime directory"),
        (0o750, 0o1777, "the door .* has mode 1777"),
        (0o750, 0o775, "the door .* has mode 0775"),
        (0o750, 0o1770, "the door .* has mode 1770"),
    ],
)
def test_one_that_lets_in_others_is_refused(
    shared: StatePaths, mode: int, door: int, said: str
) -> None:
    shared.runtime.chmod(mode)
    shared.door.chmod(door)
    with pytest.raises(ConfigError, match=said):
        shared.prepare()


def test_one_that_is_missing_is_not_made(shared: StatePaths) -> None:
    shared.door.rmdir()
    with pytest.raises(ConfigError, match="No such file or directory; `agentctl units`"):
        shared.prepare()
    assert not shared.door.exists()


def test_one_that_is_a_link_is_refused(shared: StatePaths, tmp_path: Path) -> None:
    shared.door.rename(tmp_path / "elsewhere")
    shared.door.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is no directory"):
        shared.prepare()
