"""Where work of each level can end up, as a table that reads like a picture: a bar for each place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
ROWS_MAX = 300  # of one kind on a page
_KINDS = (
    ("agent", "Agents"),
    ("provider", "Model providers"),
    ("boundary", "Boundaries that are crossed"),
    ("destination", "Destinations outside"),
    ("role", "Operators who see results"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place with a cell for each level, low to high: why work of it gets there, "" when it can't."""

    name: str
    beside: str
    cells: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """All places of one kind; `more` aren't shown."""

    title: str
    places: tuple[Place, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The picture of a generation; levels low to high."""

    generation: int
    levels: tuple[str, ...]
    kinds: tuple[Kind, ...]


def reach(found: Row) -> Reach:
    """Return the picture of what `service.reach` found."""
    kinds = (_kind(found, kind, title) for kind, title in _KINDS)
    return Reach(
        generation=found["generation"],
        levels=tuple(found["levels"]),
        kinds=tuple(each for each in kinds if each.places),
    )


def _kind(found: Row, kind: str, title: str) -> Kind:
    whys: dict[str, dict[str, str]] = {}
    for each in found["rows"]:
        if each["kind"] == kind:
            whys.setdefault(each["name"], {})[each["level"]] = each["why"]
    places = list(_places(found, kind, whys))
    return Kind(title=title, places=tuple(places[:ROWS_MAX]), more=max(len(places) - ROWS_MAX, 0))


def _places(found: Row, kind: str, whys: dict[str, dict[str, str]]) -> Iterator[Place]:
    """Yield places of a kind, those that get the most first."""
    for name, of_level in sorted(whys.items(), key=lambda each: (-len(each[1]), each[0])):
        cells = tuple(of_level.get(level, "") for level in found["levels"])
        highest = next((each for each in reversed(cells) if each), "")
        yield Place(name=name, beside=_beside(found, kind, name), cells=cells, why=highest)


def _beside(found: Row, kind: str, name: str) -> str:
    """Return where a place leads on to: an agent to its provider, both to a boundary."""
    if kind == "agent":
        agent = found["agents"].get(name, {"provider": "", "egress": []})
        boundary = found["providers"].get(agent["provider"], "")
        further = "".join(f", {each}" for each in agent["egress"])
        return f"→ {agent['provider']} ({boundary}){further}"
    boundary = (found["providers"] | found["destinations"]).get(name, "")
    return f"→ {boundary}" if boundary and kind in ("provider", "destination") else ""
