"""`agentctl task artifacts`: list the files that a task left; save them."""

from pathlib import Path

import click

from agentctl.cli import Settings, saving
from agentctl.cli.following import in_path
from agentctl.cli.output import emit, table
from agentctl.client import Hub, connect
from agentctl.model.artifact import Artifact


@click.command()
@click.argument("task_id", metavar="ID")
@click.option(
    "--save",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write them below this directory; nothing is overwritten.",
)
@click.pass_obj
def artifacts(settings: Settings, task_id: str, folder: Path | None) -> None:
    """List the files that a task left in its workspace's artifacts/; with --save also write them."""
    hub = connect(settings)
    path = f"/api/hub/tasks/{in_path(task_id)}/artifacts"
    found = hub.get(path)
    if folder is not None:
        _save(hub, path, [Artifact(**each) for each in found["artifacts"]], folder)
    if settings.output == "json":
        emit(found)
        return
    if found["artifacts"]:
        table(
            ("name", "bytes", "label", "sha256"),
            [
                (each["name"], each["size"], each["label"], each["sha256"])
                for each in found["artifacts"]
            ],
        )
    else:
        click.echo("No artifacts.", err=True)
    if found["note"]:
        click.echo(f"Left out: {found['note']}", err=True)


def _save(hub: Hub, path: str, found: list[Artifact], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    saving.check_free(folder, [each.name for each in found])
    for each in found:
        saving.save(folder, each, hub.get_bytes(f"{path}/{_quoted(each.name)}"))


def _quoted(name: str) -> str:
    from urllib.parse import quote

    return quote(name)
