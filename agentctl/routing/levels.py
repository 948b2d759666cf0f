"""The order of sensitivity levels, and what may cross a boundary."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agentctl.model.fleet import Routing


@dataclass(frozen=True, slots=True)
class Levels:
    """Levels ordered low to high. A level or boundary that isn't declared never compares as allowed."""

    names: tuple[str, ...]
    default: str
    crossing: dict[str, str]
    _rank: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rank", {name: at for at, name in enumerate(self.names)})

    @classmethod
    def of(cls, routing: Routing) -> "Levels":
        return cls(routing.levels, routing.default, dict(routing.boundaries))

    def known(self, level: str) -> bool:
        """Whether the level is declared."""
        return level in self._rank

    def at_most(self, level: str, limit: str) -> bool:
        """Whether `level` is no higher than `limit`; False when either is unknown (fail closed)."""
        rank, bound = self._rank.get(level), self._rank.get(limit)
        return rank is not None and bound is not None and rank <= bound

    def may_cross(self, level: str, boundary: str) -> bool:
        """Whether work of `level` may cross `boundary`; False when either is unknown."""
        limit = self.crossing.get(boundary)
        return limit is not None and self.at_most(level, limit)

    def join(self, levels: Iterable[str]) -> str:
        """Return the highest of the levels; the default when there are none.

        An unknown level is the highest of all: a name that was taken out of the
        files must not make old work public.
        """
        known = list(levels)
        if not known:
            return self.default
        unknown = [level for level in known if level not in self._rank]
        return unknown[0] if unknown else max(known, key=self._rank.__getitem__)

    def rank(self, level: str) -> int:
        """Return the level's place, 0 the lowest; past the end when unknown."""
        return self._rank.get(level, len(self.names))
