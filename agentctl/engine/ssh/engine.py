"""A Docker Engine on another host: the same engine, at a socket that `ssh` makes here."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from agentctl.engine.docker import DockerEngine
from agentctl.engine.protocol import Birth
from agentctl.engine.ssh.doors import Doors
from agentctl.engine.ssh.line import Line
from agentctl.engine.ssh.reach import UNIX, engine_trip, nothing_there
from agentctl.model.fleet import Host
from agentctl.model.instance import ContainerState, ObservedHost
from agentctl.model.ssh import ssh_address
from agentctl.paths import StatePaths

FIRST_S = 9.0  # a first look waits for the connection, within what a look may take
HOST_LOOK_S = 0.5


class SshEngine(DockerEngine):
    """Connects when it is made, and goes on connecting until it is closed."""

    def __init__(
        self,
        host: Host,
        *,
        paths: StatePaths,
        installation: str,
        fleet: str,
        carried: Callable[[str, str, str], None],
    ) -> None:
        address = ssh_address(host.engine_url)
        local = paths.engine_socket(host.name)
        self._url = host.engine_url
        self._closed = False
        self._line = Line(f"host {host.name}", lambda: engine_trip(address, local))
        self._doors = Doors(
            address,
            paths=paths,
            installation=installation,
            carried=lambda instance, process: carried(instance, host.name, process),
            host_up=self._wait_for_host,
        )
        super().__init__(
            replace(host, engine_url=f"{UNIX}{local}"),
            door=self._door_of,
            installation=installation,
            fleet=fleet,
            shown=host.engine_url,
        )
        self._line.start()

    def observe(self) -> ObservedHost:
        """Return our containers, or why the host or its engine doesn't tell."""
        why = self._line.trouble(wait_s=FIRST_S)
        if why:
            return ObservedHost(name=self._host.name, error=f"{self._url}: {why}")
        seen = super().observe()
        if not seen.reachable:
            return replace(seen, error=f"{self._url}: {nothing_there(seen.error)}")
        living = (ContainerState.CREATED, ContainerState.RUNNING)
        self._doors.keep({each.instance for each in seen.containers if each.state in living})
        return seen

    def close(self) -> None:
        """Let go of every connection to the host; its containers go on without a door."""
        self._closed = True
        self._doors.close()
        self._line.end()

    def _door_of(self, birth: Birth) -> Path:
        return self._doors.open(birth.instance)

    def _wait_for_host(self) -> None:
        """Return once the host answers: an address that doesn't is tried once, not for every door."""
        while self._line.trouble(wait_s=HOST_LOOK_S) and not self._closed:
            time.sleep(HOST_LOOK_S)
