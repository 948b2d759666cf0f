"""What operators declare, compiled: hosts, agents, providers, routing, access, limits."""

from dataclasses import dataclass, field
from enum import StrEnum

from agentctl.model.budget import Budget
from agentctl.model.ssh import is_ssh


class Isolation(StrEnum):
    """What a host promises: `strict` is a container, `none` is the operator's word that none is needed."""

    STRICT = "strict"
    NONE = "none"


class ExecutorKind(StrEnum):
    CLAUDE_CODE = "claude-code"
    MESSAGES_API = "messages-api"
    COMMAND = "command"


class Lifecycle(StrEnum):
    PERSISTENT = "persistent"
    EPHEMERAL = "ephemeral"


class OnChange(StrEnum):
    """What a replacement does with the task that still runs in the old container."""

    DRAIN = "drain"
    IMMEDIATE = "immediate"
    DEFER = "defer"


class ProviderKind(StrEnum):
    OLLAMA = "ollama"
    ANTHROPIC = "anthropic"


class SourceKind(StrEnum):
    FILE = "file"
    ENV = "env"
    COMMAND = "command"


class SinkKind(StrEnum):
    """How an alert is told: a line in the log, a POST, a program with the alert on its standard input."""

    LOG = "log"
    WEBHOOK = "webhook"
    COMMAND = "command"


class Effect(StrEnum):
    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a secret's value is; never the value. `argv` is set for `command` alone."""

    kind: SourceKind
    name: str = ""
    argv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A file under /run/secrets in the container, and where its value comes from."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One container engine. `engine_url` is `unix:///path`, `ssh://[user@]host[:port]` or `process:`.

    With `prune` (a play there says it) what is no longer declared on it is removed.
    """

    name: str
    engine_url: str
    isolation: Isolation = Isolation.STRICT
    groups: tuple[str, ...] = ()
    prune: bool = False

    @property
    def remote(self) -> bool:
        """Whether its engine is on another machine, so that its agents' door is carried there."""
        return is_ssh(self.engine_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    cpus: float = 1.0
    memory_bytes: int = 2 * 1024**3
    pids: int = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    size_bytes: int = 10 * 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor:
    """What agentd runs for a task. `args` go to the CLI; `argv` is the whole command of kind command."""

    kind: ExecutorKind = ExecutorKind.CLAUDE_CODE
    args: tuple[str, ...] = ()
    argv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """One agent on one host: `replicas` containers of it.

    `egress` are the destinations that it may reach, `subscribes` and `publishes` the topics of
    events that it gets and may send, `labels` what a broadcast's filter finds it by.
    `budget` bounds each of its tasks, whatever the task itself asks for.

    Of an ephemeral one `replicas` is how many may live at once, and `warm` how many of
    them stand ready before a task asks; a persistent one has no warm.

    An agent on several hosts has a spec for each; validation holds the facts
    that routing and the message router read (`capabilities`, `clearance`, `provider`,
    `lifecycle`, `egress`, topics, `labels`, `budget`) equal among them.
    """

    name: str
    host: str
    image: str
    provider: str
    clearance: str
    capabilities: tuple[str, ...] = ()
    replicas: int = 1
    lifecycle: Lifecycle = Lifecycle.PERSISTENT
    warm: int = 0
    on_change: OnChange = OnChange.DRAIN
    resources: Resources = field(default_factory=Resources)
    workspace: Workspace = field(default_factory=Workspace)
    secrets: tuple[Secret, ...] = ()
    ttl_s: float = 86400.0
    grace_s: float = 30.0
    executor: Executor = field(default_factory=Executor)
    tags: tuple[str, ...] = ()
    egress: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What tokens cost, in dollars for a million of each kind."""

    input: float
    output: float
    cache_read: float
    cache_write: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A model backend. `api_key` says where the gateway finds the key; None means it needs none.

    With a `price` the hub itself counts what a task costs; without one only the CLI can.
    """

    name: str
    kind: ProviderKind
    base_url: str
    model: str
    boundary: str
    api_key: Source | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """What egress may name: exact hosts with their ports, and the boundary that is crossed on the way.

    Names resolve to public addresses only, unless `networks` (CIDR) says which others they may have.
    """

    name: str
    hosts: tuple[tuple[str, int], ...]
    boundary: str
    networks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageKind:
    """What a message's payload must look like: Cerberus rules as canonical JSON text.

    `types` are the message types that may carry it.
    """

    name: str
    types: tuple[str, ...]
    rules: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opa:
    """A server that may narrow what the access rules allow. `path` is below /v1/data/.

    `token_file` says where the hub finds its bearer token for it, "" when it needs none.
    """

    enabled: bool = False
    url: str = "http://127.0.0.1:8181"
    path: str = "agentctl/decision"
    timeout_s: float = 0.25
    token_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A preference: for tasks that want these capabilities and carry these labels, prefer these providers."""

    name: str
    prefer: tuple[str, ...]
    capabilities: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Levels low to high; what the unlabelled count as; the highest level that may cross each boundary."""

    levels: tuple[str, ...]
    default: str
    boundaries: tuple[tuple[str, str], ...]
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a rule holds: minutes after midnight, on these days (none: every day), in `zone`.

    `until_min` isn't in it any more. At or below `since_min` it is the next day's, and the
    time after midnight counts to the day on which the window opened.
    """

    zone: str = "UTC"
    days: tuple[str, ...] = ()
    since_min: int = 0
    until_min: int = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRule:
    """Who may do what to whom. Principals and targets are `kind:name` globs: `operator:*`, `agent:dev-?`.

    A principal `role:admin` is every operator of that role. Without a window a rule always holds.
    """

    name: str
    effect: Effect
    verb: str
    principal: str
    target: str = "*"
    types: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long the hub keeps what has ended: tasks (with results, containers), the journal (with decisions)."""

    tasks_s: float = 30 * 86400.0
    journal_s: float = 400 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Where alerts are told. A webhook whose URL is itself a secret names its source in `url_from`."""

    kind: SinkKind
    url: str = ""
    url_from: Source | None = None
    argv: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Times and thresholds, in seconds where the name says so."""

    lease_s: float = 30.0
    heartbeat_s: float = 10.0
    converge_s: float = 5.0
    reconciler_silent_s: float = 30.0
    zero_throughput_s: float = 300.0
    orphan_grace_s: float = 60.0
    stalled_s: float = 600.0
    drift_s: float = 600.0
    dead_letters_s: float = 86400.0
    hub_silent_s: float = 30.0
    signing_key_age_s: float = 90 * 86400.0
    provider_failures: int = 3
    alerts: tuple[Sink, ...] = (Sink(kind=SinkKind.LOG),)
    retention: Retention = field(default_factory=Retention)


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredState:
    """The whole fleet as declared: sorted, defaults filled in, references checked, free of secrets."""

    fleet: str
    hosts: tuple[Host, ...]
    agents: tuple[AgentSpec, ...]
    providers: tuple[Provider, ...]
    routing: Routing
    access: tuple[AccessRule, ...] = ()
    monitoring: Monitoring = field(default_factory=Monitoring)
    destinations: tuple[Destination, ...] = ()
    message_kinds: tuple[MessageKind, ...] = ()
    opa: Opa = field(default_factory=Opa)

    def provider(self, name: str) -> Provider | None:
        """Return the provider of that name, or None."""
        return next((each for each in self.providers if each.name == name), None)

    def destination(self, name: str) -> Destination | None:
        """Return the destination of that name, or None."""
        return next((each for each in self.destinations if each.name == name), None)

    def host(self, name: str) -> Host | None:
        """Return the host of that name, or None."""
        return next((each for each in self.hosts if each.name == name), None)

    def agent(self, name: str) -> AgentSpec | None:
        """Return the agent's spec on its first host, or None; routing facts are equal on all hosts."""
        return next((each for each in self.agents if each.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """An applied DesiredState: the authority every process acts on.

    `digest` is of the DesiredState's canonical form (model.digest); `commit` is the git
    commit the files came from ("" when unknown, a trailing "+" when the tree was dirty).
    Times are wall-clock seconds since the epoch, for people.
    """

    number: int
    digest: str
    desired: DesiredState
    commit: str = ""
    applied_by: str = ""
    applied_at_s: float = 0.0
    prune: bool = False
