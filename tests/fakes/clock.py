"""A clock that stands still until it is moved, ids that count up, tokens that can be told apart."""

from dataclasses import dataclass


@dataclass
class ManualClock:
    """Wall and boot time move together by `advance`; `boot_id` changes by assignment."""

    wall: float = 1_000_000.0
    boot: float = 5_000.0
    boot_id: str = "boot-1"

    def wall_s(self) -> float:
        return self.wall

    def boot_s(self) -> float:
        return self.boot

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.boot += seconds


class CountingIds:
    def __init__(self) -> None:
        self.made = 0

    def new(self, prefix: str) -> str:
        self.made += 1
        return f"{prefix}-{self.made:026d}"


class CountingRandomness:
    def __init__(self) -> None:
        self.made = 0

    def token(self) -> str:
        self.made += 1
        return f"{self.made:043d}"
