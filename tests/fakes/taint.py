"""What a fleet of hostile agents knows: marked words, and who heard which, worked out apart from the hub.

Each thing an operator submits has a mark of its own with a level. An agent puts every mark that
it ever heard into everything that it says; a kept workspace remembers them for its successors.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agentctl.model.fleet import DesiredState

RANK = {"public": 0, "internal": 1, "confidential": 2, "restricted": 3}
MARK = re.compile(r"<(\d+)>")

Place = tuple[str, int]  # agent and replica: whose a workspace is
Held = tuple[str, int]  # task, attempt


@dataclass(kw_only=True)
class Mole:
    """A hostile container: what it was born with, what it has heard and what it holds."""

    agent: str
    replica: int
    instance: str
    container: str
    label: str
    provider: str
    boundary: str
    persistent: bool
    knows: set[int] = field(default_factory=set)
    holds: dict[Held, str] = field(default_factory=dict)  # with the model token of each
    asked: list[str] = field(default_factory=list)  # requests that it may answer
    seen: str = ""

    @property
    def place(self) -> Place:
        return (self.agent, self.replica)

    def words(self) -> str:
        """Return all that it knows, as it would tell anybody who listens."""
        return "I heard: " + "".join(f"<{mark}>" for mark in sorted(self.knows))


class Taint:
    """Levels of marks, and the judgement of each word that arrives somewhere."""

    def __init__(self) -> None:
        self.level: dict[int, str] = {}
        self.workspaces: dict[Place, set[int]] = {}
        self.heard = 0  # marks that reached somebody: a run in which none does proves nothing

    def mark(self, level: str) -> str:
        """Return a new marked word of a level."""
        number = len(self.level) + 1
        self.level[number] = level
        return f"<{number}>"

    def lower(self, text: str, to: str) -> None:
        """An admin has said that what this text says may be known at `to`."""
        for mark in marks(text):
            self.level[mark] = min(self.level[mark], to, key=RANK.__getitem__)

    def hear(self, mole: Mole, text: Any, fleets: list[DesiredState]) -> None:
        """A container is given words: each must be within its label, and may cross its boundary.

        `fleets` were in force during the call: one of them must allow it.
        """
        for mark in marks(text):
            self.heard += 1
            level = self.level[mark]
            assert RANK[level] <= RANK[mole.label], f"{level} in {mole.agent}, label {mole.label}"
            assert any(crosses(level, mole.boundary, each) for each in fleets), (
                f"{level} crossed {mole.boundary} to {mole.agent}"
            )
            mole.knows.add(mark)
        if mole.persistent:
            self.workspaces.setdefault(mole.place, set()).update(mole.knows)

    def leaves(self, mole: Mole, boundary: str, fleets: list[DesiredState]) -> None:
        """A container speaks to a model across a boundary: with all that it knows."""
        for mark in mole.knows:
            level = self.level[mark]
            assert any(crosses(level, boundary, each) for each in fleets), (
                f"{level} left {mole.agent} across {boundary}"
            )


def marks(text: Any) -> set[int]:
    """Return the marks in a text, or in whatever values hold one."""
    return {int(each) for each in MARK.findall(str(text))}


def crosses(level: str, boundary: str, desired: DesiredState) -> bool:
    """Whether the files let work of a level cross a boundary; a level that they don't know crosses none."""
    limit = dict(desired.routing.boundaries).get(boundary)
    known = desired.routing.levels
    return limit is not None and level in known and known.index(level) <= known.index(limit)


@dataclass
class Interrupted:
    """A store between whose steps something happens: before the n-th access from now."""

    store: Any
    what: Callable[[], None] | None = None
    after: int = 0

    def arm(self, what: Callable[[], None], after: int) -> None:
        self.what, self.after = what, after

    def disarm(self) -> None:
        self.what = None

    def __getattr__(self, name: str) -> Any:
        if name in ("read", "write") and self.what is not None:
            if self.after == 0:
                what, self.what = self.what, None
                what()
            else:
                self.after -= 1
        return getattr(self.store, name)
