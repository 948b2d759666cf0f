"""Bound sockets: never wider than asked for a moment, never taken from a process that still listens."""

import errno
import os
import socket
import stat
from pathlib import Path

from agentctl.errors import ConfigError, Conflict
from agentctl.paths import SOCKET_PATH_BYTES_MAX

ANSWERS_WITHIN_S = 1.0  # a listener's kernel answers at once, however busy its process is


def unix_socket(path: Path, *, mode: int, group: int | None = None) -> socket.socket:
    """Return a socket bound to `path` with exactly that mode; a stale file of an ended process goes.

    With `group` (a gid that this process has too) the file belongs to it, before the mode opens it.
    Raises Conflict when a process listens there, ConfigError when the path can't be used.
    """
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise ConfigError(
            f"{path} is longer than the {SOCKET_PATH_BYTES_MAX} bytes that a socket's path may have",
            hint="choose a shorter state directory or XDG_RUNTIME_DIR",
        )
    _remove_stale(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(bound.fileno(), mode & 0o600)  # what bind() makes is never wider than this
        bound.bind(str(path))
        if group is not None:
            _give(path, group)
        path.chmod(mode)  # exactly: the umask took part until here
    except OSError as cause:
        bound.close()
        raise ConfigError(f"cannot listen on {path}: {cause.strerror}") from cause
    except ConfigError:
        bound.close()
        raise
    return bound


def _give(path: Path, group: int) -> None:
    try:
        os.chown(path, -1, group, follow_symlinks=False)
    except OSError as cause:
        raise ConfigError(
            f"cannot give {path} to group {group}: {cause.strerror}",
            hint="the account that this process runs as must be a member of that group",
        ) from cause


def tcp_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address; raises Conflict when the port is in use, ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except (OSError, OverflowError) as cause:
        bound.close()
        if isinstance(cause, OSError) and cause.errno == errno.EADDRINUSE:
            raise Conflict(
                f"port {port} of {host} is in use by another process",
                hint="stop it, or choose another with --listen",
            ) from cause
        why = cause.strerror if isinstance(cause, OSError) else "ports end at 65535"
        raise ConfigError(f"cannot listen on {host} port {port}: {why}") from cause
    return bound


def _remove_stale(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigError(f"{path} exists and is no socket", hint="move it out of the way")
    if listened_on(path):
        raise Conflict(
            f"another process listens on {path}",
            hint="stop it first, or choose another --state",
        )
    try:
        path.unlink(missing_ok=True)
    except OSError as cause:
        raise ConfigError(
            f"cannot remove the stale socket {path}: {cause.strerror}",
            hint=f"it belongs to uid {found.st_uid}: remove it, and see who made it",
        ) from cause


def listened_on(path: Path) -> bool:
    """Whether a process listens on a Unix socket; True where that can't be known."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(ANSWERS_WITHIN_S)
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:
            return True  # a full backlog, no permission: somebody is there
        return True
