"""Whether the hub has been silent for too long: said once when it is, and once when it is back."""

from dataclasses import dataclass
from enum import StrEnum


class Turn(StrEnum):
    GONE = "gone"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Since when nothing was heard (None: it answers), the last trouble, and whether that was told."""

    since_s: float | None = None
    trouble: str = ""
    told: bool = False


def heard(
    before: Silence, trouble: str, *, now_s: float, limit_s: float
) -> tuple[Silence, Turn | None]:
    """Return what is known after one more question, "" being an answer, and the turn it makes, if any."""
    if not trouble:
        return Silence(), Turn.BACK if before.told else None
    since_s = now_s if before.since_s is None else before.since_s
    late = now_s - since_s >= limit_s
    after = Silence(since_s=since_s, trouble=trouble, told=before.told or late)
    return after, Turn.GONE if late and not before.told else None
