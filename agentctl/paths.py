"""Where state and sockets stand, from one state directory."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

SOCKET_PATH_BYTES_MAX = 107  # sun_path is 108 bytes with its terminating zero
DOOR_IN_CONTAINER = "/run/agentctl"


@dataclass(frozen=True, slots=True)
class StatePaths:
    """Every path of an installation. `state` is absolute; nothing is created by reading a path."""

    state: Path

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
        return runtime_root() / hashlib.sha256(str(self.state).encode()).hexdigest()[:8]

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

    def prepare(self) -> None:
        """Make the state and runtime directories (0700) and the door (0755); leave what exists."""
        for private in (self.state, self.store, self.keys, self.process, self.logs, self.runtime):
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
            private.chmod(0o700)
        self.door.mkdir(mode=0o755, exist_ok=True)
        self.door.chmod(0o755)  # mkdir's mode passes through the umask


def runtime_root() -> Path:
    """Return the parent of all runtime directories of this account."""
    if os.geteuid() == 0:
        return Path("/run/agentctl")
    session = os.environ.get("XDG_RUNTIME_DIR")
    if session:
        return Path(session) / "agentctl"
    return Path(tempfile.gettempdir()) / f"agentctl-{os.geteuid()}"


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
