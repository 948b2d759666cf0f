"""`agentctl declassify`: lower the label of a task or of a workspace, as an admin, with a reason."""

import re

import click

from agentctl.cli import Settings
from agentctl.cli.following import in_path
from agentctl.cli.output import emit
from agentctl.client import connect
from agentctl.errors import UsageError

_WORKSPACE = re.compile(r"([^/]+)/([0-9]{1,7})")


@click.command()
@click.argument("what", metavar="TASK|AGENT/REPLICA")
@click.option("--to", required=True, metavar="LEVEL", help="The lower level.")
@click.option("--why", required=True, help="The reason; it stands in the journal.")
@click.option("--host", default="", help="Of a workspace: where, when several hosts have one.")
@click.pass_obj
def declassify(settings: Settings, what: str, to: str, why: str, host: str) -> None:
    """Lower the label of a task, its result and files; or of an agent's workspace.

    It takes the role admin and a rule that allows the verb declassify, on the task or on the
    agent. A task that waits is routed again; one that somebody works on keeps its label until
    it ends. A workspace (researcher/0) keeps the highest label that it served, and no container
    below it gets it: say so here once somebody has looked at what it holds, or has removed it.
    """
    workspace = _WORKSPACE.fullmatch(what)
    if workspace is not None:
        _workspace(settings, workspace[1], int(workspace[2]), to, why, host)
        return
    if host:
        raise UsageError(f"--host is of a workspace, and {what} is none: write AGENT/REPLICA")
    found = connect(settings).post(
        f"/api/hub/tasks/{in_path(what)}/declassify", {"to": to, "why": why}
    )
    if settings.output == "json":
        emit(found)
    else:
        click.echo(f"{found['id']} is {found['sensitivity']} now ({found['state']})")


def _workspace(settings: Settings, agent: str, replica: int, to: str, why: str, host: str) -> None:
    body = {"replica": replica, "to": to, "why": why, **({"host": host} if host else {})}
    found = connect(settings).post(f"/api/hub/agents/{in_path(agent)}/declassify", body)
    if settings.output == "json":
        emit(found)
    else:
        click.echo(
            f"the workspace of {agent}/{replica} on {found['host']} counts as {found['holds']} now"
        )
