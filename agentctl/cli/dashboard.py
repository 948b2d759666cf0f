"""`agentctl dashboard`: where the dashboard is, and a one-time code that signs a browser in.

The code is for typing into the page: an address that held it would stand in the browser's
history and in the arguments of whatever opens it. Source: docs/decisions/0031-dashboard.md.
"""

import socket
from typing import Any
from urllib.parse import urlsplit

import click

from agentctl.cli import Settings
from agentctl.cli.duration import spoken
from agentctl.cli.output import emit
from agentctl.client import Hub, connect
from agentctl.client.target import target_of
from agentctl.errors import Refused


@click.command()
@click.option(
    "--role",
    type=click.Choice(["viewer", "operator"]),
    default="viewer",
    show_default=True,
    help="What pages show: to a viewer no prompts and results.",
)
@click.pass_obj
def dashboard(settings: Settings, role: str) -> None:
    """Say where the dashboard is; for an admin, make a one-time code that signs in there.

    The code works once, within minutes. What it opens ends with `agentctl token revoke`, by
    signing out, and after twelve hours.
    """
    import time

    target = target_of(settings)
    over_http = target.startswith(("http://", "https://"))
    made = _code(connect(settings), role, may_lack=over_http)
    url = f"{target.rstrip('/')}/" if over_http else str(made.get("url", ""))
    if settings.output == "json":
        emit({**made, "url": url})
        return
    click.echo(url)
    if not made:
        click.echo("Sign in there with the token that is in AGENTCTL_TOKEN.", err=True)
        return
    now_s = time.time()
    click.echo(made["code"])
    click.echo(
        f"Type the code into the page: it works once, for {spoken(made['code_ends_at_s'] - now_s)};"
        f" it shows what the role {made['role']} may see, for {spoken(made['expires_at_s'] - now_s)}.",
        err=True,
    )
    if not over_http:
        port = urlsplit(url).port
        click.echo(
            f"From another machine: ssh -L {port}:127.0.0.1:{port} {socket.gethostname()}", err=True
        )


def _code(hub: Hub, role: str, *, may_lack: bool) -> dict[str, Any]:
    """Return a code; none for whoever has a token of his own to sign in with, and may not make any."""
    try:
        return hub.post("/api/hub/sign-ins", {"role": role})
    except Refused:
        if may_lack:
            return {}
        raise
