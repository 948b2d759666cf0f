"""`agentctl quarantine` and `agentctl release`: set an agent apart at once, without files; let it back."""

from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.following import in_path
from agentctl.cli.output import emit, harmless
from agentctl.client import connect


@click.command()
@click.argument("agent")
@click.option("--why", default="", help="The reason; it stands in journal, status and alert.")
@click.option("--release", "back", is_flag=True, help="The same as `agentctl release AGENT`.")
@click.pass_obj
def quarantine(settings: Settings, agent: str, why: str, back: bool) -> None:
    """Set an agent apart: from this instant nothing of it runs, gets work or is heard.

    Its tasks go to others that may take them, or are held; its containers are killed and stay
    for a look, with their workspaces. It lasts over restarts and generations, until
    `agentctl release AGENT`.
    """
    if back:
        _release(settings, agent, why)
        return
    found = _post(settings, agent, "quarantine", why)
    if settings.output == "json":
        emit(found)
        return
    click.echo(f"{agent} is quarantined{_because(found)}")
    ended, tasks = found["containers"], found["tasks"]
    if ended or tasks:
        click.echo(f"{ended} container(s) end now; work taken back: {', '.join(tasks) or 'none'}")


@click.command()
@click.argument("agent")
@click.option("--why", default="", help="The reason; it stands in the journal.")
@click.pass_obj
def release(settings: Settings, agent: str, why: str) -> None:
    """Let an agent back that was set apart: it gets containers and work again.

    Its workspaces are as they were left: look at them first.
    """
    _release(settings, agent, why)


def _release(settings: Settings, agent: str, why: str) -> None:
    found = _post(settings, agent, "release", why)
    if settings.output == "json":
        emit(found)
    else:
        click.echo(f"{agent} is released; it was quarantined by {found['who']}")


def _post(settings: Settings, agent: str, act: str, why: str) -> dict[str, Any]:
    return connect(settings).post(f"/api/hub/agents/{in_path(agent)}/{act}", {"why": why})


def _because(found: dict[str, Any]) -> str:
    return f" by {found['who']}" + (f": {harmless(found['why'])}" if found["why"] else "")
