"""What is wrong with the files: where, what was expected, what was found, what is near."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from heapq import nsmallest
from typing import Any

from agentctl.config.masking import masked

Path = tuple[str | int, ...]  # from a document's root: ("agents", 0, "name")
Subject = tuple[str, ...]  # a thing of the fleet: ("agent", "researcher", "local", "provider")

WEIGHED_MAX = 1000  # names that are looked at for a suggestion
COMPARED_MAX = 30  # names that are compared letter by letter for it
LISTED_MAX = 50  # names that a finding lists: the largest document kind has half as many keys
FOUND_CHARS_MAX = 80  # a finding quotes enough of a value to recognise it


class Severity(StrEnum):
    """An error keeps the files from being applied; a warning doesn't, unless `--strict`."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    `rule` is a stable name for it. `file` is relative to the project, `line` and `column`
    count from 1 (0 when the finding is about no place in a file). `subject` names the part
    of the fleet that a cross-document finding is about; the loader turns it into a place.
    `secret` says that the line may hold a secret and is not to be quoted. Words never repeat
    the credentials of a URL.
    """

    rule: str
    message: str
    severity: Severity = Severity.ERROR
    file: str = ""
    line: int = 0
    column: int = 0
    path: str = ""
    expected: str = ""
    found: str = ""
    suggestion: str = ""
    subject: Subject = ()
    secret: bool = False

    def __post_init__(self) -> None:
        for name in ("message", "path", "expected", "found", "suggestion"):
            object.__setattr__(self, name, masked(getattr(self, name)))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        place = place or (f"{self.file}: " if self.file else "")
        return f"{place}{self.severity}: {self.message}"


def dotted(path: Path) -> str:
    """Return a path as people write it: `[0].agents[2].provider`."""
    parts = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(parts).removeprefix(".")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that `name` was probably meant to be, or "".

    Takes about a millisecond however many are known: a file may hold thousands of slips.
    """
    name = name[:FOUND_CHARS_MAX]
    near = get_close_matches(name, _likely(name, list(known)), n=1, cutoff=0.6)
    return near[0] if near else ""


def _likely(name: str, known: list[str]) -> list[str]:
    """Return the few that have most letters in common with a name: a slip leaves most in place."""
    if len(known) > WEIGHED_MAX:
        known = [each for each in known if each[:1] == name[:1]][:WEIGHED_MAX]
    if len(known) <= COMPARED_MAX:
        return known
    letters = frozenset(name)
    return nsmallest(
        COMPARED_MAX,
        known,
        key=lambda each: len(letters.symmetric_difference(each)) + abs(len(each) - len(name)),
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a suggestion for a mistaken name, or "" when nothing is near."""
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else ""


def meant_to_be(missing: str, present: Iterable[str]) -> str:
    """Return a suggestion for a missing name when something near it is present, or ""."""
    near = nearest(missing, present)
    return f"is {near!r} meant to be {missing!r}?" if near else ""


def listed(names: Iterable[str]) -> str:
    """Return names as a list for a person, `a, b or c`; of very many the first."""
    ordered = list(names)
    if len(ordered) < 2:
        return "".join(ordered)
    if len(ordered) > LISTED_MAX:
        return f"{', '.join(ordered[:LISTED_MAX])} or one of {len(ordered) - LISTED_MAX} more"
    return f"{', '.join(ordered[:-1])} or {ordered[-1]}"


def shown(value: Any) -> str:
    """Return a value as a finding quotes it: YAML's words, one line, bounded."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"a mapping of {len(value)} keys" if len(value) != 1 else "a mapping of 1 key"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = masked(repr(value) if isinstance(value, str) else str(value))  # before it is cut
    return text if len(text) <= FOUND_CHARS_MAX else text[: FOUND_CHARS_MAX - 1] + "…"


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings without repeats, in the order of the files and their lines."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda each: (each.file, each.line, each.column, each.rule)))
