"""Whether anybody mounts a directory: the kernel's word of every process, and when in doubt yes.

Source: proc_pid_mountinfo(5). A container mounts the door read-only into a mount namespace of its
own; the file of its processes names device and path of what is mounted there.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from agentctl.web.peer import container_id

_ESCAPED = re.compile(r"\\([0-7]{3})")
Mount = tuple[str, str, str]  # device (major:minor), path within its file system, mount point


def mounts_of(mountinfo: str) -> Iterator[Mount]:
    """Yield what a /proc/PID/mountinfo says is mounted."""
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if len(fields) > 4:
            yield fields[2], _plain(fields[3]), _plain(fields[4])


def source_of(directory: Path, own: str) -> tuple[str, str] | None:
    """Return device and path of a directory as a mount of it would name them; None when it isn't known.

    `own` is the reader's mountinfo: the mount with the longest point above the directory has it.
    """
    above = [
        (point, device, root)
        for device, root, point in mounts_of(own)
        if directory.is_relative_to(point)
    ]
    if not above:
        return None
    point, device, root = max(
        above, key=lambda each: len(each[0])
    )  # of equal ones the last is on top
    within = Path(root) / directory.relative_to(point)
    return device, str(within)


def holds(mountinfo: str, device: str, path: str) -> bool:
    """Whether one of the mounts is of this path, or of one below it."""
    return any(
        each == device and (root == path or root.startswith(f"{path}/"))
        for each, root, _ in mounts_of(mountinfo)
    )


def mounted(directory: Path) -> bool:
    """Whether any process has the directory mounted; True where that can't be known."""
    try:
        source = source_of(directory.resolve(), Path("/proc/self/mountinfo").read_text())
        own = Path("/proc/self/cgroup").read_text()
        pids = [int(each) for each in os.listdir("/proc") if each.isdecimal()]  # noqa: PTH208
    except OSError:
        return True
    if source is None or 1 not in pids:  # without the first process others are hidden, too
        return True
    return any(_holds(pid, source, own) for pid in pids)


def _holds(pid: int, source: tuple[str, str], own: str) -> bool:
    try:
        return holds(Path(f"/proc/{pid}/mountinfo").read_text(errors="replace"), *source)
    except PermissionError:
        return _contained(pid, own)  # another account's, and in no container: it mounts no door
    except OSError:
        return False  # it has ended


def _contained(pid: int, own: str) -> bool:
    try:
        return bool(container_id(Path(f"/proc/{pid}/cgroup").read_text(errors="replace"), own=own))
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True


def _plain(text: str) -> str:
    """Return a field free of its escapes: octal, for space, tab, newline and backslash."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), text)
