"""Notes on lines of a pull request, as GitHub's workflow commands carry them.

Source: GitHub, "Workflow commands for GitHub Actions".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SHOWN_MAX = 10  # of each level in one step; GitHub drops the rest without a word
LEVELS = ("error", "warning", "notice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a file: the path as the pull request has it, line and column from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """`level` is one of LEVELS. Without a spot it stands at the step, not at a line."""

    level: str
    title: str
    message: str
    spot: Spot | None = None


def workflow_commands(found: Iterable[Annotation]) -> Iterator[str]:
    """Yield the lines of a step's log, errors first, each level in the order given.

    Where a level has more than GitHub shows, the last shown says how many are left, and these
    follow as plain lines: the log has all of them.
    """
    every = tuple(found)
    for level in LEVELS:
        of_level = [each for each in every if each.level == level]
        if len(of_level) <= SHOWN_MAX:
            yield from map(_command, of_level)
            continue
        shown, rest = of_level[: SHOWN_MAX - 1], of_level[SHOWN_MAX - 1 :]
        yield from map(_command, shown)
        more = f"{len(rest)} more of this kind are in the step's log; GitHub shows {SHOWN_MAX}"
        yield _command(Annotation(level=level, title="and more", message=more))
        yield from map(_plain, rest)


def _command(of: Annotation) -> str:
    place = ""
    if of.spot is not None:
        place = f"file={_property(of.spot.file)},line={of.spot.line},col={of.spot.column},"
    return f"::{of.level} {place}title={_property(of.title)}::{_data(of.message)}"


def _plain(of: Annotation) -> str:
    place = f"{of.spot.file}:{of.spot.line}:{of.spot.column}: " if of.spot else ""
    # A line that begins with "::" would be a command: it begins with our own words.
    return _line(f"{of.level}: {place}{of.title}: {of.message}")


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
