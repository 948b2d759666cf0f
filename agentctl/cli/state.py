"""`agentctl state`: check the state directory's store, and put a backup in its place; the hub is stopped."""

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit


@click.group()
def state() -> None:
    """Check the state, or restore it from a backup. Stop the hub first."""


@state.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False), required=False)
@click.pass_obj
def verify(settings: Settings, directory: str | None) -> None:
    """Check every record, index and journal line of the store, or of the backup in DIRECTORY.

    Exits 6 when anything is wrong.
    """
    from pathlib import Path

    from agentctl.errors import StateDamaged
    from agentctl.paths import StatePaths
    from agentctl.store.checks import wrong_in

    where = Path(directory) if directory else StatePaths(settings.state).store
    found = wrong_in(where)
    if settings.output == "json":
        emit({"directory": str(where), "faults": found})
    else:
        click.echo("\n".join(found) if found else f"{where} is sound")
    if found:
        raise StateDamaged(
            f"{len(found)} faults in {where}", hint="restore a backup: `agentctl state restore`"
        )


@state.command()
@click.argument("backup", type=click.Path(exists=True, file_okay=False))
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.pass_obj
def restore(settings: Settings, backup: str, yes: bool) -> None:
    """Put BACKUP in place of the store; what stands there now is kept beside it.

    Work acknowledged since the backup is not in it.
    """
    import time
    from pathlib import Path

    from agentctl.paths import StatePaths
    from agentctl.store.backup import restore as put_back

    store = StatePaths(settings.state).store
    if not yes:
        click.confirm(f"Replace the store in {store} by {backup}?", abort=True, err=True)
    aside = store.with_name(f"{store.name}-before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    put_back(Path(backup), store, aside=aside)
    click.echo(f"restored {backup}; the store before it is in {aside}")
