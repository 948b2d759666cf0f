"""What a check finds, the alert that is kept of it, and where alerts are told."""

from dataclasses import dataclass
from enum import StrEnum

WORDS_MAX = 500  # of a finding's words: they go to people, and never hold a body


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"


class Origin(StrEnum):
    """Which process found it: what one hasn't looked at, another can't resolve."""

    HUB = "hub"
    RECONCILER = "reconciler"
    WATCHDOG = "watchdog"


class AlertState(StrEnum):
    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found wrong now. Check and subject tell it apart from others, the words don't."""

    check: str
    words: str
    subject: str = ""
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is kept of a finding: one record for each check and subject, however often it fires.

    `seq` numbers its newest transition, in the order of all. `first_s` is when it fired first,
    `since_s` when its state began, `last_s` when it was last found; wall clock all three.
    `count` is how often it fired.
    """

    check: str
    subject: str
    severity: Severity
    words: str
    state: AlertState
    origin: Origin
    seq: int
    first_s: float
    since_s: float
    last_s: float
    count: int = 1

    @property
    def key(self) -> tuple[str, str]:
        return (self.check, self.subject)
