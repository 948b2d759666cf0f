"""`agentctl alerts`: what needs a person's eye, and with --all what did."""

from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.output import clock, emit, table
from agentctl.client import connect


@click.command()
@click.option("--all", "every", is_flag=True, help="Those that were resolved too.")
@click.pass_obj
def alerts(settings: Settings, every: bool) -> None:
    """List alerts, newest first."""
    asked = {"all": "true" if every else "false"}
    found = connect(settings).get("/api/hub/alerts", asked)
    if settings.output == "json":
        emit(found)
    elif found["alerts"]:
        columns = ("state", "severity", "check", "about", "since", "times", "what")
        table(columns, [_row(each) for each in found["alerts"]])
    else:
        click.echo("No alert fires.", err=True)


def _row(alert: dict[str, Any]) -> list[object]:
    return [
        alert["state"],
        alert["severity"],
        alert["check"],
        alert["subject"] or "-",
        clock(alert["since_s"]),
        alert["count"],
        alert["words"],
    ]
