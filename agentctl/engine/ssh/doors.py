"""The doors of the containers on another host: one connection for each, so that each is told apart.

A directory there, mounted in one container alone, holds the sockets of one `ssh` process here; the
kernel names that process to whoever it connects to. So a credential works from its own container
only, as it does on this machine. Source: docs/decisions/0030-engines-on-other-hosts.md.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from agentctl.engine.ssh import command, scripts, shell
from agentctl.engine.ssh.line import READY_S, Line, Trip
from agentctl.engine.ssh.process import Ssh
from agentctl.errors import AgentctlError, EngineUnavailable
from agentctl.model.ssh import SshAddress
from agentctl.paths import StatePaths

log = logging.getLogger("agentctl.engine.ssh")

Carried = Callable[[str, str], None]  # instance, process: told before anything comes through it

OPEN_S = 2 * READY_S  # the shell that makes the door, then the connection
UNSEEN_S = 120.0  # a door is opened before its container is made; then that has failed
AT_ONCE = 4  # sshd turns new ones away at random from ten that aren't let in yet (MaxStartups)


@dataclass(slots=True, kw_only=True)
class _Door:
    line: Line
    path: str = ""
    seen: bool = False  # its container was there: when it isn't any more, it has ended
    opened_s: float = field(default_factory=time.monotonic)


class Doors:
    """The doors on one host. `host_up` returns once the host answers. Threads may share it."""

    def __init__(
        self,
        address: SshAddress,
        *,
        paths: StatePaths,
        installation: str,
        carried: Carried,
        host_up: Callable[[], None],
    ) -> None:
        self._address = address
        self._here: dict[str, Path] = {
            "hub.sock": paths.hub_socket,
            "llm.sock": paths.llm_socket,
            "egress.sock": paths.egress_door,
        }
        self._installation = installation[:12]
        self._carried = carried
        self._host_up = host_up
        self._doors: dict[str, _Door] = {}
        self._lock = threading.Lock()
        self._connecting = threading.Semaphore(AT_ONCE)

    def open(self, instance: str) -> Path:
        """Return where an instance's door is on its host, once it is up. Raises EngineUnavailable."""
        door = self._door(instance)
        why = door.line.trouble(wait_s=OPEN_S)
        if why:
            raise EngineUnavailable(f"the door of {instance} is not up: {why}", retry_after_s=5)
        return Path(door.path)

    def keep(self, instances: Collection[str]) -> None:
        """Have the doors of these instances up, and no others: theirs have ended, or never began."""
        now_s = time.monotonic()
        for instance in instances:
            if scripts.INSTANCE.fullmatch(instance):  # a label: the host's word
                self._door(instance).seen = True
        with self._lock:
            over = [
                name
                for name, each in self._doors.items()
                if name not in instances and (each.seen or now_s - each.opened_s > UNSEEN_S)
            ]
            ended = {name: self._doors.pop(name) for name in over}
        for name, door in ended.items():
            threading.Thread(target=self._remove, args=(name, door), daemon=True).start()

    def close(self) -> None:
        """Let go of all connections; the doors stay, for containers that go on."""
        with self._lock:
            lines = [each.line for each in self._doors.values()]
            self._doors = {}
        for line in lines:
            line.end()

    def _door(self, instance: str) -> _Door:
        with self._lock:
            door = self._doors.get(instance)
            if door is None:
                door = _Door(
                    line=Line(
                        f"door of {instance}",
                        lambda: self._trip(instance),
                        wait=self._host_up,
                        turn=self._connecting,
                    )
                )
                self._doors[instance] = door
                door.line.start()
            return door

    def _trip(self, instance: str) -> Trip:
        """Make the door ready there; return the connection that carries its sockets."""
        said = shell.run(self._address, scripts.make(self._installation, instance))
        path = scripts.door_of(said)
        with self._lock:
            door = self._doors.get(instance)
            if door is not None:
                door.path = path
        if not path:
            raise EngineUnavailable("the host names no place for a door (a long home directory?)")
        forwards = {f"{path}/{name}": here for name, here in self._here.items()}
        return Trip(
            argv=command.door_line(self._address, forwards),
            script=scripts.hold(path),
            is_up=_is_ready,
            known=lambda process: self._carried(instance, process),
        )

    def _remove(self, instance: str, door: _Door) -> None:
        """End a connection and remove the door; one that can't be removed is an empty directory."""
        door.line.end(wait_s=READY_S)
        with contextlib.suppress(AgentctlError):
            shell.run(self._address, scripts.remove(self._installation, instance))


def _is_ready(ssh: Ssh) -> bool:
    return scripts.READY in ssh.said
