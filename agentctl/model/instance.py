"""A container of an agent as the hub knows it, and what a reconciler sees on its engines."""

from dataclasses import dataclass, replace
from enum import StrEnum

SLOTS = 1  # tasks that a container works on at once, whatever it asks for


class InstanceState(StrEnum):
    """As an operator sees it; reserved before the engine is asked, gone when the engine no longer has it."""

    PROVISIONING = "provisioning"
    CONFIGURING = "configuring"
    STARTING = "starting"
    RUNNING = "running"
    RECYCLING = "recycling"
    RECYCLED = "recycled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One container's record. Provider, boundary, label and egress are fixed at birth (never rewritten).

    `token_digest` is the SHA-256 of the instance token; the token itself is in the
    boot document alone. Times are wall-clock seconds; `times` has when each state was entered.

    An ephemeral one serves a single task: `made_for` is the task that it was made for ("" of
    a warm one), `served` the one it was given. Neither is ever taken back.

    A `remote` one is on another machine: its door is carried by a process of ours, its `carrier`
    (`process:<pid>:<start ticks>`, "" before there is one), which changes with each connection.
    """

    id: str
    agent: str
    host: str
    replica: int
    spec: str
    provider: str
    boundary: str
    label: str
    generation: int
    state: InstanceState
    created_at_s: float
    container: str = ""
    token_digest: str = ""
    draining: bool = False
    last_seen_s: float = 0.0
    ended_at_s: float | None = None
    reason: str = ""
    ephemeral: bool = False
    made_for: str = ""
    served: str = ""
    egress: tuple[str, ...] = ()
    times: tuple[tuple[InstanceState, float], ...] = ()
    remote: bool = False
    carrier: str = ""

    def entered(self, state: InstanceState, at_s: float) -> "Instance":
        """Return the record in `state` since `at_s`; the state it is in already keeps its time."""
        if state is self.state and self.times:
            return self
        return replace(self, state=state, times=(*self.times, (state, at_s)))

    @property
    def free(self) -> bool:
        """Whether it is a warm one that may still take any task of its agent."""
        return self.ephemeral and not (self.made_for or self.served or self.draining)

    def speaks_from(self, peer: str) -> bool:
        """Whether a connection that the kernel attributes to `peer` comes from this very container.

        On this machine that is the container itself; a remote one's comes out of its carrier.
        """
        own = self.carrier if self.remote else self.container
        return own != "" and peer == own

    @property
    def alive(self) -> bool:
        """Whether its credentials still count: a container that is being stopped still settles."""
        return self.state is not InstanceState.RECYCLED


class ContainerState(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container that carries our labels, as the engine reports it."""

    id: str
    name: str
    host: str
    agent: str
    replica: int
    instance: str
    spec: str
    provider: str
    boundary: str
    label: str
    installation: str
    state: ContainerState
    created_at_s: float = 0.0
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedHost:
    """An engine that answered, or why it didn't (`error` non-empty means unreachable)."""

    name: str
    containers: tuple[Container, ...] = ()
    error: str = ""
    engine: str = ""

    @property
    def reachable(self) -> bool:
        return not self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedState:
    hosts: tuple[ObservedHost, ...]

    def host(self, name: str) -> ObservedHost | None:
        """Return what was seen of that host, or None when it wasn't looked at."""
        return next((each for each in self.hosts if each.name == name), None)


LABEL_FLEET = "agentctl.fleet"
LABEL_AGENT = "agentctl.agent"
LABEL_REPLICA = "agentctl.replica"
LABEL_INSTANCE = "agentctl.instance"
LABEL_SPEC = "agentctl.spec"
LABEL_PROVIDER = "agentctl.provider"
LABEL_BOUNDARY = "agentctl.boundary"
LABEL_LABEL = "agentctl.label"
LABEL_INSTALLATION = "agentctl.installation"
