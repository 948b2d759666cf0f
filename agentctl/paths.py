"""Where state and sockets stand, from one state directory."""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agentctl.errors import ConfigError

SOCKET_PATH_BYTES_MAX = 107  # sun_path is 108 bytes with its terminating zero
DOOR_IN_CONTAINER = "/run/agentctl"
RUNTIME_MARK = "state"  # in a runtime directory: the path of the state that it is of


@dataclass(frozen=True, slots=True)
class StatePaths:
    """Every path of an installation. `state` is absolute; nothing is created by reading a path.

    `shared` is where the sockets stand when each process runs as an account of its own, with a
    state directory of its own: whoever administers the machine makes it, with the door in it.
    Source: docs/decisions/0038-an-account-for-each-process.md.
    """

    state: Path
    shared: Path | None = None

    @property
    def store(self) -> Path:
        return self.state / "store"

    @property
    def keys(self) -> Path:
        return self.state / "keys"

    @property
    def process(self) -> Path:
        return self.state / "process"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def artifacts(self) -> Path:
        return self.state / "artifacts"

    @property
    def installation(self) -> Path:
        return self.state / "installation"

    @property
    def runtime(self) -> Path:
        """The directory of sockets: short, since a socket's path holds 107 bytes at most."""
        return (
            self.shared or runtime_root() / hashlib.sha256(str(self.state).encode()).hexdigest()[:8]
        )

    @property
    def door(self) -> Path:
        return self.runtime / "door"

    @property
    def hub_socket(self) -> Path:
        return self.door / "hub.sock"

    @property
    def llm_socket(self) -> Path:
        return self.door / "llm.sock"

    @property
    def egress_door(self) -> Path:
        """Where agents reach the egress proxy; `egress_socket` is the proxy's own way to the hub."""
        return self.door / "egress.sock"

    @property
    def operator_socket(self) -> Path:
        return self.runtime / "operator.sock"

    @property
    def gateway_socket(self) -> Path:
        return self.runtime / "gateway.sock"

    @property
    def egress_socket(self) -> Path:
        return self.runtime / "egress.sock"

    @property
    def reconciler_socket(self) -> Path:
        return self.runtime / "reconciler.sock"

    @property
    def engines(self) -> Path:
        """Where `ssh` makes the sockets of engines on other hosts: the reconciler's alone."""
        return self.runtime / "engines"

    def engine_socket(self, host: str) -> Path:
        """The socket that leads to a host's engine; a host's name may be longer than a path has room for."""
        return self.engines / f"{hashlib.sha256(host.encode()).hexdigest()[:16]}.sock"

    def prepare(self, *kept: Path) -> None:
        """Make where sockets stand, then the state directory and what a process keeps in it (0700).

        What exists stays. A shared runtime directory is looked at and never made. Raises ConfigError
        when it isn't there or lets in whom it must not, or when another account could exchange what
        stands in the runtime root.
        """
        if self.shared is None:
            self._make_runtime()
        else:
            _closed_to_others(self.shared)
            _door_of(self.door)
        for private in (self.state, *kept):
            _private(private)

    def _make_runtime(self) -> None:
        root_mode = 0o755 if os.geteuid() == 0 else 0o700
        runtime_root().mkdir(mode=root_mode, parents=True, exist_ok=True)
        require_own_root()
        _private(self.runtime)
        _private(self.engines)
        self.door.mkdir(mode=0o755, exist_ok=True)
        self.door.chmod(0o755)  # mkdir's mode passes through the umask
        mark = self.runtime / RUNTIME_MARK
        if not mark.exists():
            mark.write_bytes(os.fsencode(self.state))


def _private(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)


def _closed_to_others(runtime: Path) -> None:
    """Raise ConfigError unless only the owner and the processes' group enter the directory."""
    mode = _mode_of(runtime)
    if mode & 0o007:
        raise ConfigError(
            f"others may enter the runtime directory {runtime} (mode {mode:04o})",
            hint=f"chmod 0750 {runtime}: only the processes' group may reach the sockets in it",
        )


def _door_of(door: Path) -> None:
    """Raise ConfigError unless agents can't write to the door, nor the processes to each other's sockets."""
    mode = _mode_of(door)
    if mode & 0o002 or not mode & 0o001 or (mode & 0o020 and not mode & stat.S_ISVTX):
        raise ConfigError(
            f"the door {door} has mode {mode:04o}",
            hint=f"chmod 1775 {door}: the group makes its sockets there, each removes its own alone",
        )


def _mode_of(directory: Path) -> int:
    """Return a directory's permissions; raises ConfigError when it isn't there."""
    try:
        found = directory.lstat()
    except OSError as cause:
        raise ConfigError(
            f"cannot use the runtime directory {directory}: {cause.strerror}",
            hint="`agentctl units` writes what makes it at each boot",
        ) from cause
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(f"{directory} is no directory", hint="move it out of the way")
    return stat.S_IMODE(found.st_mode)


def runtime_root() -> Path:
    """Return the parent of all runtime directories of this account."""
    if os.geteuid() == 0:
        return Path("/run/agentctl")
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        return Path(session) / "agentctl"
    return Path(tempfile.gettempdir()) / f"agentctl-{os.geteuid()}"


def require_own_root() -> None:
    """Raise ConfigError when the runtime root is there and another account can write to it.

    In /tmp anybody may have made it first: whoever owns it can put a socket of their own
    where operators look for the hub's.
    """
    root = runtime_root()
    try:
        found = root.lstat()
    except OSError:
        return  # nothing to be trusted yet
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid in (0, os.geteuid())
    if not ours or found.st_mode & 0o022:
        raise ConfigError(
            f"{root} could be written by another account: no socket in it can be trusted",
            hint="set XDG_RUNTIME_DIR to a directory of your own, or have that one removed",
        )


def default_state() -> Path:
    """Return AGENTCTL_STATE, or this account's state directory as its platform has it."""
    chosen = os.environ.get("AGENTCTL_STATE")
    if chosen:
        return Path(chosen).absolute()
    import platformdirs  # here, since most commands are given a directory and start faster without

    return platformdirs.user_state_path("agentctl")


def default_cache() -> Path:
    """Return AGENTCTL_CACHE, or this account's cache directory as its platform has it."""
    chosen = os.environ.get("AGENTCTL_CACHE")
    if chosen:
        return Path(chosen).absolute()
    import platformdirs

    return platformdirs.user_cache_path("agentctl")
