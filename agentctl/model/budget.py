"""What work may spend: a task's own bounds, and those that its agent sets to every task."""

from dataclasses import dataclass


def written(amount: float) -> str:
    """Return an amount as people write it: 2000000, 0.5; never 2e+06."""
    return f"{amount:.15g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one task may spend; None is no bound. Of an agent: what each of its tasks may spend."""

    usd: float | None = None
    tokens: int | None = None
    turns: int | None = None

    def __str__(self) -> str:
        given = (("usd", self.usd), ("tokens", self.tokens), ("turns", self.turns))
        bounds = (f"{name} {written(most)}" for name, most in given if most is not None)
        return ", ".join(bounds) or "none"

    def within(self, most: "Budget") -> "Budget":
        """Return the smaller of each bound: what is asked for, within what is allowed."""
        return Budget(
            usd=_least(self.usd, most.usd),
            tokens=_whole(_least(self.tokens, most.tokens)),
            turns=_whole(_least(self.turns, most.turns)),
        )


def _least(one: float | None, other: float | None) -> float | None:
    return min((each for each in (one, other) if each is not None), default=None)


def _whole(amount: float | None) -> int | None:
    return None if amount is None else int(amount)
