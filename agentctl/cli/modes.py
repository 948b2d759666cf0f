"""`agentctl pause`, `panic` and `resume`: stop handing out work, stop everything, go on."""

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
@click.option("--reason", default="", help="Why, for those who wonder; stands in the status.")
@click.pass_obj
def panic(settings: Settings, reason: str) -> None:
    """Stop everything now, and keep the evidence.

    Containers are killed and stay for a look, leases end, model calls are cut, nothing is
    handed out or created, over restarts too, until `agentctl resume`.
    """
    _set(settings, "panic", reason)


@click.command()
@click.option("--reason", default="", help="Why; stands in the journal.")
@click.pass_obj
def resume(settings: Settings, reason: str) -> None:
    """Go on after a pause or a panic: hand out work, create what is missing."""
    _set(settings, "normal", reason)


def _set(settings: Settings, mode: str, reason: str) -> None:
    found = connect(settings).post("/api/hub/mode", {"mode": mode, "reason": reason})
    if settings.output == "json":
        emit(found)
    else:
        why = f": {found['reason']}" if found.get("reason") else ""
        spoken = "in panic" if found["mode"] == "panic" else found["mode"]
        click.echo(f"The hub is {spoken}{why}")
