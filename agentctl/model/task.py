"""A task, its lease, its result, and the table of its life."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agentctl.model.artifact import Artifact
from agentctl.model.budget import Budget

PROMPT_BYTES_MAX = 200 * 1024  # fits a request body of 256 KiB with its envelope
TEXT_BYTES_MAX = 192 * 1024  # a result's text; the rest is in the workspace
MAX_ATTEMPTS_DEFAULT = 3
# Attempts of one task that don't count because the provider was away: a night of trials at the
# longest rest (monitor.circuit). One more counts as any failure, so that none goes on for ever.
PUT_OFF_MAX = 50
TIMEOUT_S_DEFAULT = 3600.0


class TaskState(StrEnum):
    HELD = "held"
    QUEUED = "queued"
    LEASED = "leased"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    DEAD = "dead"


class TaskEvent(StrEnum):
    RELEASED = "released"
    POLLED = "polled"
    WITHDRAWN = "withdrawn"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    FAILED = "failed"
    FAILED_RETRYABLE = "failed_retryable"
    PUT_OFF = "put_off"
    EXPIRED = "expired"
    ATTEMPTS_SPENT = "attempts_spent"
    CANCELLED = "cancelled"
    DEADLINE = "deadline"


FINAL = frozenset(
    {
        TaskState.COMPLETED,
        TaskState.FAILED,
        TaskState.CANCELLED,
        TaskState.TIMED_OUT,
        TaskState.DEAD,
    }
)
LIVE = frozenset({TaskState.LEASED, TaskState.RUNNING})  # somebody holds a lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """Where a task goes and why: agent, its provider and boundary, the rule, the decision's id."""

    agent: str
    provider: str
    boundary: str
    rule: str
    decision: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who may work on a task now: attempt and instance fence every later word about it.

    `expires_at_s` is CLOCK_BOOTTIME of boot `boot_id`; a lease of another boot
    is renewed for one period when the hub starts. `began_s`, of the same boot, is
    when the attempt was accepted: its timeout counts from there.
    """

    attempt: int
    instance: str
    agent: str
    container: str
    boot_id: str
    expires_at_s: float
    began_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the provider counts them, dollars as the CLI or the price list says."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    calls: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out: text, structured output, and how the executor ended. `label` is the container's."""

    text: str = ""
    structured: Any = None
    label: str = ""
    partial: bool = False
    reason: str = ""
    detail: str = ""
    session: str = ""
    turns: int = 0
    artifacts: tuple[Artifact, ...] = ()
    artifacts_note: str = ""  # what was left out, and why


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskBody:
    """The part of a task that never changes and may be large; stored once, beside the record."""

    prompt: str
    output_schema: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegated:
    """What a task owes to the attempt that delegated it.

    `instance` and `attempt` are the delegator's, under the task's parent; `label` its container's:
    the result must be one that it may hold. `scope` are the capabilities that the task may ask
    of others in its turn. With `ephemeral` it runs in a fresh container only.
    """

    instance: str
    attempt: int
    label: str
    depth: int
    scope: tuple[str, ...]
    ephemeral: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The record of a task without its body.

    `sensitivity` is the label in force (declared joined with what it derives from);
    `declared` is what the submitter wrote, None when nothing. Times `*_at_s` are wall
    clock for people; `deadline_s` is wall clock too: operators name it so. `hops` is how
    far the messages that led to it have come: one further than the delegator's. `put_off` is how
    many of its attempts ended because the provider was away.
    """

    id: str
    state: TaskState
    sensitivity: str
    declared: str | None
    submitted_by: str
    submitted_at_s: float
    submitter_role: str = ""
    capabilities: tuple[str, ...] = ()
    agent_wanted: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    deadline_s: float | None = None
    timeout_s: float = TIMEOUT_S_DEFAULT
    max_attempts: int = MAX_ATTEMPTS_DEFAULT
    parent: str | None = None
    retry_of: str | None = None
    hops: int = 0
    delegated: Delegated | None = None
    budget: Budget = field(default_factory=Budget)
    attempt: int = 0
    put_off: int = 0
    routed: Routed | None = None
    lease: Lease | None = None
    held_reason: str = ""
    agent: str = ""
    instance: str = ""
    container: str = ""
    started_at_s: float | None = None
    finished_at_s: float | None = None
    usage: Usage = field(default_factory=Usage)
    result: Result | None = None
    error: str = ""

    @property
    def spent(self) -> bool:
        """Whether this attempt is the last one: those that were put off don't count."""
        return self.attempt - self.put_off >= self.max_attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask:
    """What a submitter asks for, parsed and bounded, before any decision.

    `deadline_in_s` is counted from the submit: a repeat of the same words is the same request.
    """

    prompt: str
    sensitivity: str | None = None
    capabilities: tuple[str, ...] = ()
    agent: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    deadline_s: float | None = None
    deadline_in_s: float | None = None
    timeout_s: float = TIMEOUT_S_DEFAULT
    max_attempts: int = MAX_ATTEMPTS_DEFAULT
    parent: str | None = None
    budget: Budget = field(default_factory=Budget)
    output_schema: dict[str, Any] | None = None
    idempotency_key: str | None = None
