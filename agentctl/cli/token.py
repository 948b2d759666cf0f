"""`agentctl token`: tokens for operators and CI that reach the hub over HTTP."""

import click

from agentctl.cli import Settings
from agentctl.cli.duration import Duration, spoken
from agentctl.cli.output import emit
from agentctl.client import connect


@click.group()
def token() -> None:
    """Make tokens for remote operators and CI."""


@token.command()
@click.option("--name", required=True, help="Whose it is; rules know it as operator:token:NAME.")
@click.option(
    "--role",
    type=click.Choice(["viewer", "ci", "operator", "admin"]),
    required=True,
    help="What it may do.",
)
@click.option("--ttl", type=Duration(), default="30d", show_default=True, help="How long it works.")
@click.pass_obj
def create(settings: Settings, name: str, role: str, ttl: float) -> None:
    """Make a token. It is shown this once and kept only as a digest."""
    made = connect(settings).post("/api/hub/tokens", {"name": name, "role": role, "ttl_s": ttl})
    if settings.output == "json":
        emit(made)
        return
    click.echo(made["token"])
    click.echo(f"{made['id']}: role {role}, for {spoken(ttl)}; put it in AGENTCTL_TOKEN", err=True)
