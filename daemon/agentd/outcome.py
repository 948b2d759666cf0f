"""How a task ended, whatever ran it."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a task failed; the values stand on the wire (schemas/wire/task.failed.schema.json)."""

    API_ERROR = "api_error"
    MAX_TURNS = "max_turns"
    MAX_BUDGET = "max_budget"
    TIMEOUT = "timeout"
    NO_STRUCTURED_OUTPUT = "no_structured_output"
    STOPPED = "stopped"
    CRASHED = "crashed"
    BAD_COMMAND = "bad_command"
    CANCELLED = "cancelled"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the model's answers count them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What came out so far. `structured` None means none; `session` resumes the CLI's conversation."""

    text: str = field(default="", repr=False)
    structured: Any = field(default=None, repr=False)
    usage: Usage | None = None
    cost_usd: float | None = None
    turns: int | None = None
    session: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The task's result is whole."""

    work: Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Why it isn't. `partial` says that the text is what there was; `retryable`, that another try may help."""

    reason: Reason
    detail: str
    retryable: bool = False
    work: Work = field(default_factory=Work)

    @property
    def partial(self) -> bool:
        """Whether some of the work is there."""
        return bool(self.work.text) or self.work.structured is not None


Outcome = Completed | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts so far, for people who watch."""

    turns: int = 0
    tools: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    note: str = ""


def with_schema(work: Work, *, wanted: bool) -> Outcome:
    """Completed, unless an output schema was asked for and no structured output came."""
    if wanted and work.structured is None:
        return Failed(
            reason=Reason.NO_STRUCTURED_OUTPUT,
            detail="the answer holds no output that meets the task's output_schema",
            work=work,
        )
    return Completed(work=work if wanted else replace(work, structured=None))
