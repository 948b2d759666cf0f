"""How commands print: data on stdout, words for people on stderr, colour only on a terminal."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click


def emit(document: Any) -> None:
    """Print a document as JSON on stdout."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    click.echo("".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text))


def harmless(text: str) -> str:
    """Return text with what could move a terminal's cursor, or worse, escaped; lines and tabs stay.

    For whatever an agent wrote: results, notes, reasons, names.
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text
    )


def as_it_is(text: str) -> str:
    """Return text for stdout: harmless on a terminal, exactly itself for a file or a program."""
    return harmless(text) if sys.stdout.isatty() else text


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows in aligned columns under upper-case headings."""
    shown = [[_in_a_line(str(each)) for each in row] for row in rows]
    cells = [[name.upper() for name in columns], *shown]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    for row in cells:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _in_a_line(text: str) -> str:
    return harmless(text.replace("\n", " ").replace("\t", " "))


def colour() -> bool:
    """Whether stdout is a terminal that wants colour (NO_COLOR is honoured)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def clock(at_s: float) -> str:
    """Return a wall-clock time as people of this machine read it: 2026-11-22 14:05:09."""
    return datetime.fromtimestamp(at_s).astimezone().strftime("%Y-%m-%d %H:%M:%S")
