"""`agentctl declassify`: lower a task's label, as an admin, with a reason."""

import click

from agentctl.cli import Settings
from agentctl.cli.following import in_path
from agentctl.cli.output import emit
from agentctl.client import connect


@click.command()
@click.argument("task_id", metavar="TASK")
@click.option("--to", required=True, metavar="LEVEL", help="The lower level.")
@click.option("--why", required=True, help="The reason; it stands in the journal.")
@click.pass_obj
def declassify(settings: Settings, task_id: str, to: str, why: str) -> None:
    """Lower the label of a task that waits or has ended, and of its result and files.

    It takes the role admin and a rule that allows the verb declassify. A task that waits is
    routed again; one that somebody works on keeps its label until it ends.
    """
    found = connect(settings).post(
        f"/api/hub/tasks/{in_path(task_id)}/declassify", {"to": to, "why": why}
    )
    if settings.output == "json":
        emit(found)
    else:
        click.echo(f"{found['id']} is {found['sensitivity']} now ({found['state']})")
