"""The clock and the source of ids, as arguments: no deciding code reaches for its own."""

from typing import Protocol


class Clock(Protocol):
    """Wall time is for people; boot time (CLOCK_BOOTTIME) is for leases, and only within one `boot_id`."""

    @property
    def boot_id(self) -> str: ...

    def wall_s(self) -> float: ...

    def boot_s(self) -> float: ...


class Ids(Protocol):
    """Time-ordered ids: `new("task")` → `task-01j…`; later ids sort after earlier ones."""

    def new(self, prefix: str) -> str: ...


class Randomness(Protocol):
    def token(self) -> str:
        """Return 256 random bits, URL-safe."""
        ...
