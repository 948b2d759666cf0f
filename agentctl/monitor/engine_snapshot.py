"""What the reconciler's checks look at: our containers at the engines that ought not to be there."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A container of ours, by name, that is an orphan or past its time, and for how long."""

    name: str
    host: str
    agent: str
    for_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSnapshot:
    """The last look. `orphan_grace_s` is how long an orphan is left before it is recycled."""

    orphans: tuple[Stray, ...] = ()
    overdue: tuple[Stray, ...] = ()
    orphan_grace_s: float = 60.0
