"""Reading a hub's journal: page by page forwards, or the newest lines without all before them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import click

from agentctl.audit import line_of
from agentctl.client import Hub
from agentctl.model.chain import Head
from agentctl.model.journal import Line

PATH = "/api/hub/journal"
PAGE = 1000  # lines asked for at a time
FIELDS = ("kind", "who", "subject", "decision", "generation", "label")

Wanted = Callable[[Line], bool]


def forwards(hub: Hub, *, after: int, through: int | None = None) -> Iterator[Line]:
    """Yield the hub's lines above `after`, page by page, to the newest or to line `through`."""
    while through is None or after < through:
        found = hub.get(PATH, {"after": after, "limit": PAGE})["lines"]
        if not found:
            return
        for each in found:
            line = line_of(each)
            after = line.seq
            if through is not None and after > through:
                return
            yield line


def newest(hub: Hub, *, limit: int, wanted: Wanted) -> tuple[list[Line], int]:
    """Return the newest `limit` wanted lines, oldest first, and the number of the newest line of all.

    Lines are numbered without gaps, so pages are found from the end.
    """
    ends = hub.get(PATH, {"after": 0, "limit": 1})
    head, beginning = ends["head"]["seq"], ends["beginning"]["seq"]
    kept: list[Line] = []
    top = head
    while top > beginning and len(kept) < limit:
        step = min(PAGE, max(limit, 1)) if wanted is everything else PAGE
        below = max(top - step, beginning)
        page = list(forwards(hub, after=below, through=top))
        kept = [each for each in page if wanted(each)] + kept
        top = below
    return kept[-limit:], head


def head_of(hub: Hub) -> Head:
    """Return the place and hash of the hub's newest line."""
    found = hub.get(PATH, {"after": 0, "limit": 1})["head"]
    return Head(seq=found["seq"], hash=found["hash"])


def everything(_line: Line) -> bool:
    """Want every line."""
    return True


def wanted(filters: Sequence[str]) -> Wanted:
    """Return what says whether a line is wanted by `KEY=GLOB`s, or globs of kinds.

    Filters of one key are alternatives, filters of several keys must all hold. A key is a
    line's field or the name of a fact.
    """
    by_key: dict[str, list[str]] = {}
    for each in filters:
        key, equals, pattern = each.partition("=")
        if equals and not key:
            raise click.BadParameter(f"{each!r} is neither KEY=VALUE nor a kind such as task.*")
        by_key.setdefault(key if equals else "kind", []).append(pattern if equals else each)
    if not by_key:
        return everything
    return lambda line: all(
        any(fnmatchcase(_value(line, key), pattern) for pattern in patterns)
        for key, patterns in by_key.items()
    )


def _value(line: Line, key: str) -> str:
    facts: Mapping[str, Any] = line.entry.facts
    return str(getattr(line.entry, key) if key in FIELDS else facts.get(key, ""))
