"""What the checks look at: the fleet at one instant, as plain values. Times are wall-clock seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agentctl.model.fleet import Monitoring
from agentctl.model.mode import Mode
from agentctl.model.quarantine import Quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Work of one agent: how many tasks wait or are held by it, and when the oldest queued was submitted."""

    tasks: int
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """One agent's containers: how many run and aren't being drained, and how many of them hold work."""

    ready: int = 0
    busy: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A task in somebody's hands. `moved_s` is its newest sign of progress."""

    task: str
    agent: str
    instance: str
    moved_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Living:
    """A container of the registry. `seen_s` is its last word (its birth, before the first)."""

    instance: str
    agent: str
    host: str
    state: str
    created_s: float
    seen_s: float
    ttl_s: float | None
    grace_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """A model provider as the gateway's calls met it: failures in a row, the last one's word and why."""

    failures: int
    word: str
    since_s: float
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Barred:
    """Messages of one agent that its label kept back: how many so far, the last one's time and reason."""

    count: int
    last_s: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unapplied:
    """Followed files that aren't applied: why, and since when (wall clock)."""

    why: str
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """A verb that OPA gives no answer to: why, the last time, and since when (wall clock)."""

    why: str
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A host at the reconciler's last look."""

    name: str
    down: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An action of the reconciler's last pass."""

    verb: str
    host: str
    agent: str
    replica: int
    state: str
    error: str

    @property
    def place(self) -> str:
        return f"{self.host}/{self.agent}/{self.replica}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The hub's own view. `moved_s` is when work last moved anywhere (a hand-out, progress, an end);
    `looked_s` when the engines were last looked at, `apart_since_s` since when what runs differs
    from what is declared; None: never, or not now. `away` are providers whose work waits, and why.
    """

    now_s: float
    mode: Mode = field(default_factory=Mode)
    monitoring: Monitoring = field(default_factory=Monitoring)
    waiting: Mapping[str, Waiting] = field(default_factory=dict)
    capacity: Mapping[str, Capacity] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    held_oldest_s: float | None = None
    dead: int = 0
    moved_s: float = 0.0
    working: tuple[Working, ...] = ()
    living: tuple[Living, ...] = ()
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    unusable: Mapping[str, str] = field(default_factory=dict)
    away: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[Looked, ...] = ()
    steps: tuple[Step, ...] = ()
    apart_since_s: float | None = None
    looked_s: float | None = None
    key_made_s: float | None = None
    damaged: Mapping[str, str] = field(default_factory=dict)
    barred: Mapping[str, Barred] = field(default_factory=dict)
    files: Unapplied | None = None
    quarantined: Mapping[str, Quarantine] = field(default_factory=dict)
    unanswered: Mapping[str, Unanswered] = field(default_factory=dict)
