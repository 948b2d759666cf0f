"""`agentctl state`: back up the state of a running hub; check, export and restore it with the hub stopped."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit

BACKUP_TIMEOUT_S = 3600.0  # a large store on a slow disk; the hub goes on meanwhile


@click.group()
def state() -> None:
    """Back up, check, export or restore the state. docs/recovery.md says when to do which."""


@state.command()
@click.argument("directory", type=click.Path())
@click.pass_obj
def backup(settings: Settings, directory: str) -> None:
    """Write a backup to the new DIRECTORY while the hub goes on.

    It holds all but the private keys; keep it as carefully as the state itself.
    """
    from agentctl.client import connect

    body = {"directory": str(Path(directory).absolute())}
    made = connect(settings).post("/api/hub/backups", body, timeout_s=BACKUP_TIMEOUT_S)
    if settings.output == "json":
        emit(made)
    else:
        click.echo(f"{made['directory']} holds the state up to line {made['checkpoint']['seq']}")


@state.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False), required=False)
@click.pass_obj
def verify(settings: Settings, directory: str | None) -> None:
    """Check every record, index and journal line of the store, or of the backup in DIRECTORY.

    The hub must not run on it; nothing is changed. Exits 6 when anything is wrong.
    """
    from agentctl.errors import StateDamaged
    from agentctl.store.checks import wrong_in

    where = _where(settings, directory)
    found = wrong_in(where)
    if settings.output == "json":
        emit({"directory": str(where), "faults": found})
    else:
        click.echo("\n".join(found) if found else f"{where} is sound")
    if found:
        raise StateDamaged(
            f"{len(found)} faults in {where}",
            hint="restore a backup: `agentctl state restore`; docs/recovery.md says what else helps",
        )


@state.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False), required=False)
@click.option("--out", type=click.Path(dir_okay=False), help="A new file instead of stdout.")
@click.option("--no-content", is_flag=True, help="Leave prompts and results out.")
@click.pass_obj
def export(settings: Settings, directory: str | None, out: str | None, no_content: bool) -> None:
    """Write the store, or the backup in DIRECTORY, as canonical JSON lines.

    Tasks, generations, containers and the journal; no keys, no tokens. The hub must
    not run on it: make a backup first, and export that.
    """
    from agentctl.store import reading
    from agentctl.store.export import lines

    with reading.opened(_where(settings, directory)) as txn, _writing(out) as write:
        for line in lines(txn, content=not no_content):
            write(line)


@state.command()
@click.argument("backup", type=click.Path(exists=True, file_okay=False))
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option(
    "--forget",
    type=click.Choice(["quarantines", "workspaces", "tokens", "containers", "all"]),
    multiple=True,
    help="Leave these as the backup has them, whatever came since. May be repeated.",
)
@click.pass_obj
def restore(settings: Settings, backup: str, yes: bool, forget: tuple[str, ...]) -> None:
    """Put BACKUP in place of the store; what stands there now is kept beside it.

    Stop the hub first. Work acknowledged since the backup is not in it. Quarantines, what
    workspaces hold, revoked tokens and ended containers stand as the store before it has them;
    where it can't be read, all of them count as at their worst, and the fleet starts paused.
    """
    import time

    from agentctl.cli.restoring import said
    from agentctl.paths import StatePaths
    from agentctl.store.carry_over import ALL, Kept
    from agentctl.store.restore import restore as put_back

    paths = StatePaths(settings.state)
    store = paths.store
    if not yes:
        click.confirm(f"Replace the store in {store} by {backup}?", abort=True, err=True)
    now_s = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    aside = store.with_name(f"{store.name}-before-{stamp}")
    done = put_back(
        Path(backup),
        store,
        installation=paths.installation,
        aside=aside,
        who=f"operator:uid:{os.geteuid()}",
        at_s=now_s,
        forget=ALL if "all" in forget else frozenset(map(Kept, forget)),
    )
    if settings.output == "json":
        taken = {each.value: getattr(done.taken, each.value) for each in Kept}
        told = {"backup": backup, "line": done.line, "aside": str(aside)}
        emit({**told, "unknown": done.unknown, "taken": taken})
        return
    click.echo(
        f"restored {backup}, up to journal line {done.line}; the store before it is in {aside}"
    )
    for line in said(done):
        click.echo(line, err=True)


def _where(settings: Settings, directory: str | None) -> Path:
    from agentctl.paths import StatePaths

    return Path(directory) if directory else StatePaths(settings.state).store


@contextmanager
def _writing(out: str | None) -> Iterator[Callable[[str], object]]:
    """Yield what writes a text to stdout, or to a new file that its owner alone may read."""
    if out is None:
        yield lambda text: click.echo(text, nl=False)
        return
    try:
        file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as cause:
        raise click.BadParameter(f"{out} can't be made: {cause.strerror}") from cause
    with os.fdopen(file, "w", encoding="ascii") as rows:
        yield rows.write
