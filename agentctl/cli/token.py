"""`agentctl token` and `agentctl whoami`: tokens for operators and CI that reach the hub over HTTP."""

import time
from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.duration import FutureTime, ago, spoken
from agentctl.cli.following import in_path
from agentctl.cli.output import clock, emit, table
from agentctl.client import Hub, connect
from agentctl.errors import Conflict, NotFound


@click.group()
def token() -> None:
    """Make, list and revoke tokens for remote operators and CI."""


@token.command()
@click.option("--name", required=True, help="Whose it is; rules know it as operator:token:NAME.")
@click.option(
    "--role",
    type=click.Choice(["viewer", "ci", "operator", "admin"]),
    required=True,
    help="What it may do: viewer reads, ci makes plans and reads nothing else, operator runs the"
    " fleet, admin also declassifies and makes tokens.",
)
@click.option(
    "--expires",
    "--ttl",
    "ttl_s",
    type=FutureTime(),
    default="30d",
    show_default=True,
    help="Until when it works: 12h, 30d, or 2031-05-01T12:00:00Z; a year at most.",
)
@click.pass_obj
def create(settings: Settings, name: str, role: str, ttl_s: float) -> None:
    """Make a token. It is shown this once and kept only as a digest."""
    made = connect(settings).post("/api/hub/tokens", {"name": name, "role": role, "ttl_s": ttl_s})
    if settings.output == "json":
        emit(made)
        return
    click.echo(made["token"])
    click.echo(
        f"{made['id']}: role {role}, for {spoken(ttl_s)}; put it in AGENTCTL_TOKEN", err=True
    )


@token.command(name="list")
@click.pass_obj
def list_(settings: Settings) -> None:
    """List tokens, expired ones too; the tokens themselves are nowhere to be had."""
    found = connect(settings).get("/api/hub/tokens")
    if settings.output == "json":
        emit(found)
        return
    now_s = time.time()
    table(
        ("id", "name", "role", "made", "by", "expires"),
        [
            (
                each["id"],
                each["name"],
                each["role"],
                ago(each["created_at_s"], now_s=now_s),
                each["created_by"] or "-",
                "expired" if each["expired"] else clock(each["expires_at_s"]),
            )
            for each in found["tokens"]
        ],
    )


@token.command()
@click.argument("which", metavar="ID|NAME")
@click.pass_obj
def revoke(settings: Settings, which: str) -> None:
    """Make a token worth nothing from its next request on. A name must be one token's alone."""
    hub = connect(settings)
    found = hub.delete(f"/api/hub/tokens/{in_path(_id_of(hub, which))}")
    if settings.output == "json":
        emit(found)
    else:
        click.echo(f"{found['id']} ({found['name']}, role {found['role']}) is revoked")


def _id_of(hub: Hub, which: str) -> str:
    rows: list[dict[str, Any]] = hub.get("/api/hub/tokens")["tokens"]
    if any(each["id"] == which for each in rows):
        return which
    named = [each["id"] for each in rows if each["name"] == which]
    if not named:
        raise NotFound(f"no token {which!r}", hint="`agentctl token list` shows them")
    if len(named) > 1:
        raise Conflict(
            f"{len(named)} tokens are named {which!r}", hint=f"name one by id: {', '.join(named)}"
        )
    return str(named[0])


@click.command()
@click.pass_obj
def whoami(settings: Settings) -> None:
    """Show as whom the hub knows you, and your role."""
    found = connect(settings).get("/api/hub/whoami")
    if settings.output == "json":
        emit(found)
    else:
        click.echo(f"operator:{found['name']}, role {found['role']}")
