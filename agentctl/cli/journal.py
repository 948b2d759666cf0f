"""`agentctl journal`: read the hub's journal, export it, and prove that nothing in it was changed."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

import click

from agentctl.audit import as_text, lines_of
from agentctl.cli import Settings, journal_lines, journal_proof
from agentctl.cli.output import emit
from agentctl.client import Hub, connect
from agentctl.errors import HubUnavailable
from agentctl.model.chain import document
from agentctl.model.journal import Line

if TYPE_CHECKING:
    from click import Context

FOLLOW_EVERY_S = 1.0
CHECKPOINTS = "/api/hub/journal/checkpoints"


@click.group(invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1), default=50, help="How many of the newest lines.")
@click.option("--after", type=click.IntRange(0), help="Show all lines after this number instead.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=GLOB|KIND",
    help="Only these: `task.*` (a kind), `who=operator:*`, `label=internal`, or a fact's name.",
)
@click.option("--follow", is_flag=True, help="Go on with new lines until stopped.")
@click.pass_context
def journal(
    ctx: "Context", limit: int, after: int | None, filters: tuple[str, ...], follow: bool
) -> None:
    """Show the newest lines of the journal."""
    if ctx.invoked_subcommand is not None:
        return
    settings: Settings = ctx.obj
    wanted = journal_lines.wanted(filters)
    hub = connect(settings)
    if after is None:
        shown, at = journal_lines.newest(hub, limit=limit, wanted=wanted)
    else:
        all_lines = list(journal_lines.forwards(hub, after=after))
        shown = [each for each in all_lines if wanted(each)]
        at = all_lines[-1].seq if all_lines else after
    as_json = settings.output == "json"
    if as_json and not follow:
        emit({"lines": [document(each) for each in shown]})
        return
    _show(shown, as_json=as_json)
    if follow:
        _show(_following(hub, at, wanted), as_json=as_json)


@journal.command(short_help="Write the journal as JSON lines.")
@click.argument("file", type=click.File("w", encoding="ascii", lazy=True), default="-")
@click.option("--after", type=click.IntRange(0), default=0, help="Begin after this line's number.")
@click.pass_obj
def export(settings: Settings, file: IO[str], after: int) -> None:
    """Write the journal to FILE (default: standard output) as canonical JSON lines."""
    for line in journal_lines.forwards(connect(settings), after=after):
        file.write(as_text(line))


@journal.command()
@click.option("--all", "every", is_flag=True, help="All that the hub has, one a line.")
@click.pass_obj
def checkpoint(settings: Settings, every: bool) -> None:
    """Print a signed checkpoint of the newest line, as JSON. Keep it where the hub can't write.

    Whoever holds it can show later that no line up to it was changed:
    `agentctl journal verify --checkpoint FILE`.
    """
    hub = connect(settings)
    if not every:
        emit(hub.post(CHECKPOINTS, {}))
        return
    emit(_own_checkpoints(hub))


@journal.command(short_help="Prove that no line was changed.")
@click.argument("file", type=click.File(encoding="utf-8"), required=False)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    metavar="FILE|SEQ:HASH",
    help="A checkpoint kept elsewhere. Repeatable.",
)
@click.option(
    "--bundle",
    metavar="FILE",
    help="The hub's public keys, kept elsewhere; without it those in the checkpoint itself.",
)
@click.pass_obj
def verify(
    settings: Settings, file: IO[str] | None, checkpoints: tuple[str, ...], bundle: str | None
) -> None:
    """Check an exported FILE, or the hub's own journal: no line edited, dropped, added or reordered.

    Exits 6 at the first line that can't be trusted. A chain that was written
    anew from some line on is found by a --checkpoint kept elsewhere alone.
    """
    keys = journal_proof.read_document(bundle) if bundle else None
    proof = journal_proof.given(checkpoints, keys)
    if file is not None:
        found = journal_proof.check(lines_of(file), proof)
    else:
        hub = connect(settings)
        own, unknown = journal_proof.from_hub(_own_checkpoints(hub), keys)
        if unknown:
            click.echo(f"{unknown} checkpoints are by keys that aren't known any more", err=True)
        proof = proof | own
        head = journal_lines.head_of(hub)
        lines = journal_lines.forwards(hub, after=0, through=head.seq)
        found = journal_proof.check(lines, proof, head=head)
    _tell(found, proof, as_json=settings.output == "json")


def _tell(found: journal_proof.Verified, proof: journal_proof.Proof, *, as_json: bool) -> None:
    head = found.head
    if as_json:
        emit(
            {
                "verified": found.count,
                "first": found.first,
                "seq": head.seq,
                "hash": head.hash,
                "checkpoints": len(proof.hashes),
                "signed": proof.signed,
                "installation": proof.installation,
            }
        )
        return
    by = f", {proof.signed} signed checkpoints hold" if proof.signed else ""
    click.echo(
        f"{found.count} lines verify{by}; keep this checkpoint elsewhere: {head.seq}:{head.hash}"
    )


def _own_checkpoints(hub: Hub) -> dict[str, object]:
    """Return all of the hub's checkpoints in one document, with the keys that verify them."""
    after, found = 0, hub.get(CHECKPOINTS, {"after": 0, "limit": journal_lines.PAGE})
    checkpoints = page = found["checkpoints"]
    while len(page) == journal_lines.PAGE:
        after = page[-1]["seq"]
        page = hub.get(CHECKPOINTS, {"after": after, "limit": journal_lines.PAGE})["checkpoints"]
        checkpoints = [*checkpoints, *page]
    return {"checkpoints": checkpoints, "keys": found["keys"]}


def _following(hub: Hub, after: int, wanted: journal_lines.Wanted) -> Iterator[Line]:
    """Yield wanted lines above `after` as they come; a hub that is away for a while is waited for."""
    while True:
        try:
            for line in journal_lines.forwards(hub, after=after):
                after = line.seq
                if wanted(line):
                    yield line
        except HubUnavailable as why:
            click.echo(f"agentctl: {why}", err=True)
        time.sleep(FOLLOW_EVERY_S)


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
