"""What runs containers: observe a host, and create, start, stop and remove what is ours there."""

from agentctl.engine.protocol import Birth, Engine
from agentctl.errors import ConfigError
from agentctl.model.fleet import Host
from agentctl.paths import StatePaths

__all__ = ["Birth", "Engine", "open_engine"]


def open_engine(host: Host, *, paths: StatePaths, installation: str, fleet: str) -> Engine:
    """Return the engine of a host; nothing is contacted yet. Raises ConfigError for an unknown URL.

    Only what carries this installation's label is ever touched through it.
    """
    scheme, _, _ = host.engine_url.partition(":")
    if scheme == "unix":
        from agentctl.engine.docker import DockerEngine  # here: importing the SDK takes 160 ms

        return DockerEngine(host, door=paths.door, installation=installation, fleet=fleet)
    if scheme == "process":
        from agentctl.engine.process import ProcessEngine

        return ProcessEngine(host, paths=paths, installation=installation, fleet=fleet)
    raise ConfigError(
        f"host {host.name}: no engine for {host.engine_url!r}", hint="use unix:///path or process:"
    )
