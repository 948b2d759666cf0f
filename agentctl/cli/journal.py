"""`agentctl journal`: read the hub's journal, export it, and prove that nothing in it was changed."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from itertools import chain as chained
from typing import IO, TYPE_CHECKING

import click

from agentctl.audit import as_text, line_of, lines_of
from agentctl.cli import Settings
from agentctl.cli.output import emit
from agentctl.client import Hub, connect
from agentctl.errors import StateDamaged
from agentctl.model.chain import Head, document, first_break
from agentctl.model.journal import Line

if TYPE_CHECKING:
    from click import Context

PAGE = 1000  # lines asked for at a time
FOLLOW_EVERY_S = 1.0


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1), default=50, help="How many of the newest lines.")
@click.option("--after", type=click.IntRange(0), help="Show all lines after this number instead.")
@click.option(
    "--filter", "kinds", multiple=True, metavar="GLOB", help="Only these kinds: `task.*`."
)
@click.option("--follow", is_flag=True, help="Go on with new lines until stopped.")
@click.pass_context
def journal(
    ctx: "Context", limit: int, after: int | None, kinds: tuple[str, ...], follow: bool
) -> None:
    """Show the newest lines of the journal."""
    if ctx.invoked_subcommand is not None:
        return
    settings: Settings = ctx.obj
    hub = connect(settings)
    wanted = (each for each in _lines(hub, after=after or 0) if _is_of(each, kinds))
    shown = list(wanted) if after is not None else list(deque(wanted, maxlen=limit))
    if settings.output == "json" and not follow:
        emit({"lines": [document(each) for each in shown]})
        return
    _show(shown, as_json=settings.output == "json")
    if follow:
        newest = shown[-1].seq if shown else after or 0
        _follow(hub, newest, kinds, as_json=settings.output == "json")


@journal.command(short_help="Write the journal as JSON lines.")
@click.argument("file", type=click.File("w", encoding="ascii", lazy=True), default="-")
@click.option("--after", type=click.IntRange(0), default=0, help="Begin after this line's number.")
@click.pass_obj
def export(settings: Settings, file: IO[str], after: int) -> None:
    """Write the journal to FILE (default: standard output) as canonical JSON lines."""
    for line in _lines(connect(settings), after=after):
        file.write(as_text(line))


@journal.command(short_help="Prove that no line was changed.")
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="SEQ:HASH",
    callback=lambda _ctx, _param, values: dict(_checkpoint(each) for each in values),
    help="A line's number and hash, kept elsewhere. Repeatable.",
)
@click.pass_obj
def verify(settings: Settings, file: IO[str] | None, checkpoints: dict[int, str]) -> None:
    """Check an exported FILE, or the hub's own journal: no line edited, dropped, added or reordered.

    Exits 6 at the first line that can't be trusted. A chain that was written
    anew from some line on is found by a --checkpoint alone; each run prints one to keep.
    """
    lines = lines_of(file) if file else _lines(connect(settings), after=0)
    head, count = _verified(lines, checkpoints)
    if settings.output == "json":
        emit({"verified": count, "seq": head.seq, "hash": head.hash})
    else:
        click.echo(f"{count} lines verify; keep this checkpoint elsewhere: {head.seq}:{head.hash}")


def _verified(lines: Iterable[Line], checkpoints: dict[int, str]) -> tuple[Head, int]:
    """Return the newest line's place and hash and the number of lines; raises StateDamaged at a break."""
    newest = Head()
    count = 0

    def noted() -> Iterator[Line]:
        nonlocal newest, count
        for line in lines:
            newest, count = Head(seq=line.seq, hash=line.hash), count + 1
            yield line

    found = iter(noted())
    first = next(found, None)
    start = _start(first, checkpoints)
    all_lines = chained([first] if first else [], found)
    broken = first_break(all_lines, after=start, checkpoints=checkpoints)
    if broken:
        raise StateDamaged(
            f"the journal is broken at {broken}",
            hint="keep this file, and compare it with an export or a backup made earlier",
        )
    return newest, count


def _start(first: Line | None, checkpoints: dict[int, str]) -> Head:
    """Return what the first line follows: nothing, or the checkpoint of the line before it."""
    before = first.seq - 1 if first else 0
    return Head(seq=before, hash=checkpoints[before]) if before in checkpoints else Head()


def _checkpoint(text: str) -> tuple[int, str]:
    seq, colon, line_hash = text.partition(":")
    if not (colon and seq.isascii() and seq.isdigit() and len(line_hash) == 64):
        raise click.BadParameter(f"{text!r} is not SEQ:HASH, a number and 64 hexadecimal digits")
    return int(seq), line_hash.lower()


def _lines(hub: Hub, *, after: int) -> Iterator[Line]:
    """Yield the hub's lines after `after`, page by page, to the newest."""
    while page := hub.get("/api/hub/journal", {"after": after, "limit": PAGE})["lines"]:
        for each in page:
            line = line_of(each)
            after = line.seq
            yield line


def _follow(hub: Hub, after: int, kinds: tuple[str, ...], *, as_json: bool) -> None:
    while True:
        new = list(_lines(hub, after=after))
        after = new[-1].seq if new else after
        _show([each for each in new if _is_of(each, kinds)], as_json=as_json)
        time.sleep(FOLLOW_EVERY_S)


def _is_of(line: Line, kinds: tuple[str, ...]) -> bool:
    return not kinds or any(fnmatchcase(line.entry.kind, each) for each in kinds)


def _show(lines: Iterable[Line], *, as_json: bool) -> None:
    for line in lines:
        click.echo(as_text(line) if as_json else _for_people(line), nl=not as_json)


def _for_people(line: Line) -> str:
    entry = line.entry
    at = datetime.fromtimestamp(line.at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    facts = " ".join(f"{name}={text}" for name, text in entry.facts.items())
    words = f"{line.seq:>6}  {at}  {entry.kind:<22}  {entry.who}  {entry.subject}  {facts}"
    return _printable(words.rstrip())


def _printable(text: str) -> str:
    """Escape what could move a terminal's cursor: parts of a line are an agent's own words."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
