"""What a plan is made of: one engine verb per action, each with its cause."""

from dataclasses import dataclass, field

from agentctl.model.fleet import AgentSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why an action stands in the plan. A changed field has `old` and `new`; other causes only `what`."""

    what: str
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.old} → {self.new}" if self.old or self.new else self.what


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Create, start and boot a container of `spec`; `replaces` names the container removed just before.

    `task` is the one that an ephemeral agent's container is made for, "" for a warm one.
    """

    host: str
    agent: str
    replica: int
    spec: AgentSpec
    spec_hash: str
    boundary: str
    causes: tuple[Cause, ...]
    replaces: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Stop (within the agent's grace) and remove a container of ours. `interrupts` is the task it ends.

    `live` is whether it ran when the plan was made: what doesn't run needs no drain and no stop.
    With `only_idle` it goes on as it is when it has taken a task meanwhile.
    """

    host: str
    agent: str
    replica: int
    instance: str
    container: str
    grace_s: float
    causes: tuple[Cause, ...]
    interrupts: str = ""
    live: bool = True
    only_idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """Give an instance no more work; it is replaced in a later pass, when `waits_for` has ended.

    With `removes` nothing takes its place: fewer replicas are declared, or it is pruned.
    """

    host: str
    agent: str
    replica: int
    instance: str
    container: str
    waits_for: str
    causes: tuple[Cause, ...]
    removes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Kill a container where it stands, without grace, and leave it: what is in it is evidence."""

    host: str
    agent: str
    replica: int
    instance: str
    container: str
    causes: tuple[Cause, ...]


Action = Create | Remove | Drain | Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered actions. `digest` is the desired state's; `notes` are for people (no longer declared, …).

    `deferred` counts containers that differ from what is declared and are left until they are idle.
    """

    digest: str
    actions: tuple[Action, ...] = ()
    unchanged: int = 0
    deferred: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def empty(self) -> bool:
        return not self.actions
