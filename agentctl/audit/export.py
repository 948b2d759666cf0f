"""Journal lines as JSON lines that anyone can check with a JSON parser and SHA-256.

Each row is the canonical JSON of one line (agentctl.model.chain), so equal
journals are equal files. Source: docs/decisions/0002-store.md.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from agentctl.errors import StateDamaged
from agentctl.model.chain import canonical_line
from agentctl.model.journal import Line

_decode = msgspec.json.Decoder(Line).decode


def as_text(line: Line) -> str:
    """Return a line's row of an export, its newline included."""
    return canonical_line(line) + "\n"


def lines_of(rows: Iterable[str]) -> Iterator[Line]:
    """Yield the lines of an export's rows.

    Raises StateDamaged naming the row that isn't exactly what an export writes:
    a member that was added or doubled would else be dropped unseen, and the rest verify.
    """
    for place, row in enumerate(rows, start=1):
        line = _parsed(row, place)
        if row.rstrip("\n") != canonical_line(line):
            raise StateDamaged(f"row {place} isn't in the journal's canonical form: it was changed")
        yield line


def line_of(document: Mapping[str, Any]) -> Line:
    """Return the line that a hub's answer holds as a JSON object; raises StateDamaged when it isn't one."""
    try:
        return msgspec.convert(document, Line)
    except msgspec.ValidationError as cause:
        raise StateDamaged(f"the hub answered with what is no journal line: {cause}") from cause


def _parsed(row: str, place: int) -> Line:
    try:
        return _decode(row)
    except (msgspec.DecodeError, UnicodeEncodeError) as cause:
        raise StateDamaged(f"row {place} is no journal line: {cause}") from cause
