"""How journal lines are chained: each line's hash covers the line before, so nothing can be left out.

The canonical form of a line is JSON with sorted keys, no spaces and ASCII
alone; its hash is SHA-256 of that form without the member `hash`. Anyone can
check an exported journal with a JSON parser and SHA-256.
Source: docs/decisions/0002-store.md.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from agentctl.model.journal import Entry, Line

GENESIS = "0" * 64  # what the first line names as the one before it

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The newest line's place and hash; `seq` 0 is an empty journal."""

    seq: int = 0
    hash: str = GENESIS


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first line that can't be trusted, and what is wrong with it."""

    seq: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.seq}: {self.reason}"


def document(line: Line) -> dict[str, Any]:
    """Return a line as the JSON object that an export writes."""
    return _unhashed(line.entry, line.seq, line.at_s, line.previous) | {"hash": line.hash}


def canonical_line(line: Line) -> str:
    """Return a line's canonical JSON, its hash included: what one line of an export holds."""
    return _encode(document(line))


def link(entry: Entry, *, at_s: float, after: Head) -> Line:
    """Return the line that holds `entry` and follows `after`."""
    seq, at_s = after.seq + 1, float(at_s)  # an integer would be written, and hashed, differently
    return Line(
        seq=seq,
        at_s=at_s,
        entry=entry,
        previous=after.hash,
        hash=hashlib.sha256(_written(entry, seq, at_s, after.hash).encode()).hexdigest(),
    )


def first_break(
    lines: Iterable[Line],
    *,
    after: Head | None = None,
    checkpoints: Mapping[int, str] | None = None,
    head: Head | None = None,
) -> Break | None:
    """Return the first line that was edited, dropped, reordered or forged; None when all hold.

    `after` is the line before the first given one (none: the lines start the
    journal). `checkpoints` (seq → hash) are hashes kept elsewhere: a chain that
    was rewritten from some line on hangs together and is found by them alone.
    `head` is the journal's newest line: with it a cut-off end is found too.
    """
    at = after or Head()
    for line in lines:
        reason = _fault(line, after=at, kept=(checkpoints or {}).get(line.seq))
        if reason:
            return Break(seq=at.seq + 1, reason=reason)
        at = Head(seq=line.seq, hash=line.hash)
    return _cut(at, head=head, checkpoints=checkpoints or {})


def _fault(line: Line, *, after: Head, kept: str | None) -> str:
    if line.seq != after.seq + 1:
        return f"is missing, or out of order: line {line.seq} stands in its place"
    if line.previous != after.hash:
        return "doesn't follow the line before it"
    if line.hash != _hash(_unhashed(line.entry, line.seq, line.at_s, line.previous)):
        return "was changed: its hash doesn't match its content"
    if kept is not None and line.hash != kept:
        return "isn't the line that a checkpoint was made of"
    return ""


def _cut(at: Head, *, head: Head | None, checkpoints: Mapping[int, str]) -> Break | None:
    last = max(head.seq if head else 0, *checkpoints, 0)
    if at.seq < last:
        return Break(seq=at.seq + 1, reason=f"is missing: the journal went on to line {last}")
    if head and at != head:
        return Break(seq=at.seq, reason="isn't the newest line that the journal's head names")
    return None


def _unhashed(entry: Entry, seq: int, at_s: float, previous: str) -> dict[str, Any]:
    return {"at_s": at_s, "entry": _entry(entry), "previous": previous, "seq": seq}


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "kind": entry.kind,
        "who": entry.who,
        "subject": entry.subject,
        "decision": entry.decision,
        "generation": entry.generation,
        "label": entry.label,
        "facts": entry.facts,
    }


def _written(entry: Entry, seq: int, at_s: float, previous: str) -> str:
    """Return what `_encode` makes of `_unhashed`, in half the time: the hub writes several lines a request.

    Verifying goes the long way, so the two hold each other to it.
    """
    facts = ",".join(
        [f"{_quoted(name)}:{_quoted(entry.facts[name])}" for name in sorted(entry.facts)]
    )
    return (
        f'{{"at_s":{at_s!r},"entry":{{"decision":{_quoted(entry.decision)},"facts":{{{facts}}},'
        f'"generation":{entry.generation},"kind":{_quoted(entry.kind)},"label":{_quoted(entry.label)},'
        f'"subject":{_quoted(entry.subject)},"who":{_quoted(entry.who)}}},'
        f'"previous":{_quoted(previous)},"seq":{seq}}}'
    )


def _hash(unhashed: Mapping[str, Any]) -> str:
    return hashlib.sha256(_encode(unhashed).encode()).hexdigest()
