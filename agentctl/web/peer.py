"""Who is at the other end of a Unix socket, as the kernel tells it: process → container.

The process that connected is pinned by a pidfd where the kernel gives one (Linux 6.5 on), so
that its number can't have gone to another process between connecting and being looked at.
Sources: unix(7), cgroups(7), proc_pid_stat(5), pidfd_open(2).
"""

import os
import re
import select
import socket
import struct
from pathlib import Path

from agentctl.model.principal import Peer

SO_PEERPIDFD = 77  # include/uapi/asm-generic/socket.h; the socket module has no name for it yet
CGROUP_BYTES_MAX = 64 * 1024  # a file of /proc; sixteen hierarchies with long paths are 8 KiB

_UCRED = struct.Struct("iII")  # pid, uid, gid
_CONTAINER = re.compile(r"(?:(?:docker|libpod)-)?([0-9a-f]{64})(?:\.scope)?")
_PROC = Path("/proc")


def peer_of(connection: socket.socket) -> Peer:
    """Return the peer of a connection; all unknown (-1, "") for anything but a Unix socket."""
    if connection.family != socket.AF_UNIX:
        return Peer()
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    pid, uid, gid = _UCRED.unpack(raw)
    pidfd = _pidfd(connection)
    try:
        return Peer(pid=pid, uid=uid, gid=gid, container=container_of(pid, pidfd))
    finally:
        if pidfd is not None:
            os.close(pidfd)


def _pidfd(connection: socket.socket) -> int | None:
    try:
        return connection.getsockopt(socket.SOL_SOCKET, SO_PEERPIDFD)
    except OSError:
        return None  # an older kernel, or the peer has ended


def container_of(pid: int, pidfd: int | None) -> str:
    """Return where the process runs, "" when that can't be known for certain: then nothing is granted.

    `pidfd` was taken of the peer itself; when its process has ended, what /proc says of `pid`
    may be another's.
    """
    if pid <= 0:
        return ""  # of another pid namespace: its number means nothing here
    try:
        found = _look(pid)
    except (OSError, ValueError):
        return ""
    if pidfd is not None and _ended(pidfd):
        return ""
    return found


def _look(pid: int) -> str:
    container = container_id(_read(pid, "cgroup"), own=_read("self", "cgroup"))
    return container or f"process:{pid}:{start_ticks(_read(pid, 'stat'))}"


def _read(pid: int | str, name: str) -> str:
    with (_PROC / str(pid) / name).open("rb") as file:
        return file.read(CGROUP_BYTES_MAX).decode("utf-8", "replace")


def _ended(pidfd: int) -> bool:
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(0))


def container_id(cgroup: str, *, own: str = "") -> str:
    """Return the container id (64 hex digits) in a /proc/PID/cgroup, "" when there is none.

    Knows version 1 (`4:memory:/docker/<id>`), version 2 (`0::/docker/<id>`) and systemd's names
    (`…/docker-<id>.scope`). `own` is the reader's cgroup file: its own path is not the peer's,
    as when engine and hub run inside a container. The outermost id counts, so a container can't
    take another's name by making cgroups below its own. Hierarchies that disagree are refused
    with ValueError.
    """
    mine = dict(_hierarchies(own))
    found = set()
    for name, path in _hierarchies(cgroup):
        below = path.removeprefix(mine.get(name, "").rstrip("/"))
        ids = (_CONTAINER.fullmatch(part) for part in below.split("/"))
        found.update([next((each[1] for each in ids if each), "")])
    named = found - {""}
    if len(named) > 1:
        raise ValueError("the hierarchies name different containers")
    return named.pop() if named else ""


def _hierarchies(cgroup: str) -> list[tuple[str, str]]:
    """Return (controllers, path) for each line `hierarchy:controllers:path`."""
    lines = (line.split(":", 2) for line in cgroup.splitlines())
    return [(parts[1], parts[2]) for parts in lines if len(parts) == 3]


def start_ticks(stat: str) -> int:
    """Return field 22 of a /proc/PID/stat: the start time in clock ticks since boot.

    The command's name (field 2) stands in parentheses and may itself hold spaces and parentheses.
    """
    _, _, after = stat.rpartition(")")
    return int(after.split()[19])
