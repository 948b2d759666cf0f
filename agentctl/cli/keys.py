"""`agentctl keys`: the keys that agents' identities are signed with; rotate them."""

import time

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit
from agentctl.client import connect


@click.group(invoke_without_command=True)
@click.pass_context
def keys(context: click.Context) -> None:
    """List the signing keys; `rotate` makes a new one."""
    if context.invoked_subcommand is None:
        settings: Settings = context.obj
        _show(settings, connect(settings).get("/api/hub/keys"))


@keys.command()
@click.pass_obj
def rotate(settings: Settings) -> None:
    """Sign with a new key from now on. No request is refused for it.

    The key before verifies until the last identity signed with it has expired, then it goes.
    """
    _show(settings, connect(settings).post("/api/hub/keys", {}))


def _show(settings: Settings, found: dict[str, object]) -> None:
    if settings.output == "json":
        emit(found)
        return
    rows = found["keys"]
    assert isinstance(rows, list)
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(float(str(found["made_at_s"]))))
    for row in rows:
        what = f"signs, made {made}" if row["signs"] else "verifies what it signed before"
        click.echo(f"{row['kid']}  {what}")
