"""What an engine can be asked, and what a container is born with."""

from dataclasses import dataclass
from typing import Protocol

from agentctl.model.fleet import AgentSpec, Lifecycle
from agentctl.model.instance import ObservedHost

LOG_BYTES_MAX = 1 << 20  # what logs() returns at most; the end is kept
STOP_MARGIN_S = 10.0  # between agentd's own grace and the engine's kill


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """All that is fixed when a container is made; nothing of it is secret.

    `label` is the highest sensitivity it may ever hold, `boundary` that of its provider.
    `workspace` are the pairs of both that its kept workspace may be labelled with beside its own:
    those of containers whose work, as the hub has it, this one may hold.
    """

    fleet: str
    installation: str
    instance: str
    replica: int
    spec: AgentSpec
    spec_hash: str
    provider: str
    boundary: str
    label: str
    workspace: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The container's name, and its workspace's: the same for each life of this replica."""
        return f"{self.fleet}-{self.spec.name}-{self.replica}"

    @property
    def keeps_workspace(self) -> bool:
        return self.spec.lifecycle is Lifecycle.PERSISTENT


class Engine(Protocol):
    """One host's engine. Every verb but `observe` raises EngineUnavailable (try again later)
    or EngineRefused (trying again won't help), and touches only this installation's containers.
    """

    def observe(self) -> ObservedHost:
        """Return what is there now; never raises: an engine that fails is an `error`."""
        ...

    def boot_paths(self, birth: Birth) -> dict[str, str]:
        """Return hub_socket, llm_socket, workspace and secrets_dir as the container sees them.

        With egress declared egress_socket too.
        """
        ...

    def need(self, spec: AgentSpec) -> None:
        """Raise EngineRefused unless what this spec's containers are made of is there: the image.

        Asked before a container that works is removed for one of this spec.
        """
        ...

    def create(self, birth: Birth) -> str:
        """Make the container, its workspace too; return its id. Nothing runs for an agent yet.

        What an earlier attempt left under the name without ever starting it is replaced.
        Anything else of that name is refused, with whose it is.
        """
        ...

    def start(self, container: str, boot: bytes) -> None:
        """Start it, this once, and write the boot document to its standard input."""
        ...

    def stop(self, container: str, grace_s: float) -> None:
        """Ask it to end, and make it end after `grace_s`. What has ended or is gone is fine."""
        ...

    def remove(self, container: str) -> None:
        """Remove it, running or not; a kept workspace stays. What is gone is fine."""
        ...

    def logs(self, container: str, tail: int) -> str:
        """Return the last `tail` lines of its output: hostile text, up to LOG_BYTES_MAX."""
        ...

    def close(self) -> None:
        """Let go of what leads to it; containers go on."""
        ...

    def remove_workspaces(self) -> None:
        """Remove the kept workspaces of this fleet in this installation that no container uses."""
        ...
