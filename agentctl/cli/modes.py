"""`agentctl pause` and `agentctl resume`: stop and start handing out work."""

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit
from agentctl.client import connect


@click.command()
@click.option("--reason", default="", help="Why, for those who wonder; stands in the status.")
@click.pass_obj
def pause(settings: Settings, reason: str) -> None:
    """Hand out no more work; what runs goes on."""
    _set(settings, "paused", reason)


@click.command()
@click.pass_obj
def resume(settings: Settings) -> None:
    """Hand out work again."""
    _set(settings, "normal", "")


def _set(settings: Settings, mode: str, reason: str) -> None:
    found = connect(settings).post("/api/hub/mode", {"mode": mode, "reason": reason})
    if settings.output == "json":
        emit(found)
    else:
        why = f": {found['reason']}" if found.get("reason") else ""
        click.echo(f"The hub is {found['mode']}{why}")
