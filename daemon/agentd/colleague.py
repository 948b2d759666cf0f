"""An agent that this one may reach, as the hub describes it."""

from dataclasses import dataclass
from typing import Any

from agentd.strict_json import Malformed, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Colleague:
    """What it is called, what it can do, and how it may be reached; `topics` are ours that it hears."""

    name: str
    capabilities: tuple[str, ...]
    labels: tuple[tuple[str, str], ...]
    may: tuple[str, ...]
    topics: tuple[str, ...] = ()


def parse(row: Any) -> Colleague:
    """Return a row of the hub's answer; Malformed when it isn't well formed."""
    doc = Reader(row, "colleague")
    labels = doc.inner("labels")
    return Colleague(
        name=doc.text("name"),
        capabilities=doc.texts("capabilities"),
        labels=tuple((name, labels.text(name, empty=True)) for name in labels.names()),
        may=doc.texts("may"),
        topics=doc.texts("topics") if doc.has("topics") else (),
    )


def parse_all(rows: Any) -> list[Colleague]:
    """Return the whole list; Malformed when it is none."""
    if not isinstance(rows, list):
        raise Malformed("/agents is not a list")
    return [parse(each) for each in rows]
