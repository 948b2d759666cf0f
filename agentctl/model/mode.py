"""The hub's modes, and what may be asked of it."""

from dataclasses import dataclass
from enum import StrEnum


class ModeName(StrEnum):
    NORMAL = "normal"
    DEGRADED = "degraded"
    PAUSED = "paused"
    PANIC = "panic"


class Verb(StrEnum):
    """What a service asks leave for."""

    SUBMIT = "submit"
    DISPATCH = "dispatch"
    SETTLE = "settle"
    CANCEL = "cancel"
    MESSAGE = "message"
    MODEL_CALL = "model_call"
    EGRESS = "egress"
    APPLY = "apply"
    CREATE_CONTAINER = "create_container"
    REMOVE_CONTAINER = "remove_container"
    EXPIRE_LEASE = "expire_lease"
    READ = "read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An operator's order, kept until the next: `mode` is paused or panic. `at_s` is wall clock."""

    mode: ModeName
    reason: str
    who: str
    at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """The mode in force, why, and since when (wall clock); `who` ordered it ("" when nobody did).

    `causes` are all that speaks for degraded now, each with its name, whatever the mode.
    `hosts_down` are unreachable engines' hosts.
    """

    name: ModeName = ModeName.NORMAL
    reason: str = ""
    since_s: float = 0.0
    who: str = ""
    causes: tuple[tuple[str, str], ...] = ()
    hosts_down: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """The mode as a sentence about the hub says it."""
        return "in panic" if self.name is ModeName.PANIC else self.name.value
