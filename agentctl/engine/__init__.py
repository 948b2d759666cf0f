"""What runs containers: observe a host, and create, start, stop and remove what is ours there."""

from collections.abc import Callable

from agentctl.engine.protocol import Birth, Engine
from agentctl.errors import ConfigError
from agentctl.model.fleet import Host
from agentctl.paths import StatePaths

__all__ = ["Birth", "Engine", "open_engine"]


def open_engine(
    host: Host,
    *,
    paths: StatePaths,
    installation: str,
    fleet: str,
    carried: Callable[[str, str, str], None] | None = None,
) -> Engine:
    """Return the engine of a host. Raises ConfigError for an unknown URL.

    Only what carries this installation's label is ever touched through it. Nothing is contacted
    yet, but another host: `carried` is told then of which instance, on which host, which process
    (as the kernel names it) carries the door.
    """
    scheme, _, _ = host.engine_url.partition(":")
    if scheme == "unix":
        from agentctl.engine.docker import DockerEngine  # here: importing the SDK takes 160 ms

        return DockerEngine(
            host, door=lambda _birth: paths.door, installation=installation, fleet=fleet
        )
    if scheme == "ssh" and carried is not None:
        from agentctl.engine.ssh.engine import SshEngine

        return SshEngine(host, paths=paths, installation=installation, fleet=fleet, carried=carried)
    if scheme == "process":
        from agentctl.engine.process import ProcessEngine

        return ProcessEngine(host, paths=paths, installation=installation, fleet=fleet)
    raise ConfigError(
        f"host {host.name}: no engine for {host.engine_url!r}",
        hint="use unix:///path, ssh://host or process:",
    )
