"""A directory counts as mounted when the kernel says so of any process, or when it can't be known."""

import shutil
import subprocess
from pathlib import Path

import pytest

from agentctl.supervise import mounts

OWN = """\
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
25 27 0:23 / /run rw,nosuid - tmpfs tmpfs rw
26 27 0:29 /sub /mnt/with\\040space rw - ext4 /dev/vdb rw
"""
CONTAINER = """\
900 800 0:87 / / ro - overlay overlay rw
901 900 0:23 /agentctl/0a1b2c3d/door /run/agentctl ro,nosuid - tmpfs tmpfs rw
902 900 0:99 / /tmp rw - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("directory", "source"),
    [
        ("/run/agentctl/0a1b2c3d/door", ("0:23", "/agentctl/0a1b2c3d/door")),
        ("/var/run/x", ("254:0", "/var/run/x")),
        ("/mnt/with space/x", ("0:29", "/sub/x")),
        ("/runner", ("254:0", "/runner")),
    ],
)
def test_a_directory_is_named_as_a_mount_of_it_would_name_it(
    directory: str, source: tuple[str, str]
) -> None:
    assert mounts.source_of(Path(directory), OWN) == source


def test_a_container_that_has_the_door_holds_it() -> None:
    assert mounts.holds(CONTAINER, "0:23", "/agentctl/0a1b2c3d/door")
    assert mounts.holds(CONTAINER, "0:23", "/agentctl/0a1b2c3d")
    assert not mounts.holds(CONTAINER, "0:23", "/agentctl/0a1b2c3d/doo")
    assert not mounts.holds(CONTAINER, "0:24", "/agentctl/0a1b2c3d/door")
    assert not mounts.holds(OWN, "0:23", "/agentctl/0a1b2c3d/door")


def test_a_real_mount_in_another_namespace_is_seen(tmp_path: Path) -> None:
    door = tmp_path / "door"
    (tmp_path / "inside").mkdir()
    door.mkdir()
    unshare = shutil.which("unshare")
    assert unshare is not None
    script = f"mount --bind {door} {tmp_path / 'inside'} && echo there && read wait"
    child = subprocess.Popen(
        [unshare, "--user", "--map-root-user", "--mount", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert not mounts.mounted(tmp_path / "inside")
        assert child.stdout.readline() == b"there\n"
        assert mounts.mounted(door)
    finally:
        child.stdin.close()
        child.wait(10)
    assert not mounts.mounted(door)


def test_what_cannot_be_known_counts_as_mounted(tmp_path: Path) -> None:
    assert mounts.mounted(tmp_path / "gone") is False
    assert mounts.source_of(Path("/x"), "") is None
