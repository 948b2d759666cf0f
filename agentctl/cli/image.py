"""`agentctl image`: build the image that agents run in."""

from pathlib import Path

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit

DEFAULT_ENGINE = "unix:///var/run/docker.sock"
DEFAULT_TAG = "agentctl/agent:1"


@click.group()
def image() -> None:
    """Build the agent image."""


@image.command()
@click.option(
    "--base", default="", metavar="NAME", help="The base image.  [default: find or make one]"
)
@click.option(
    "--claude",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The Claude Code executable to put in.  [default: none]",
)
@click.option("--tag", default=DEFAULT_TAG, show_default=True, help="The image's name.")
@click.option(
    "--engine-url",
    default=DEFAULT_ENGINE,
    show_default=True,
    help="The engine, as in the inventory.",
)
@click.pass_obj
def build(settings: Settings, base: str, claude: Path | None, tag: str, engine_url: str) -> None:
    """Build the image, unless it is up to date; print its id."""
    from agentctl.engine import image as agent_image
    from agentctl.engine.ssh.reach import reached

    with reached(engine_url) as url:
        built = agent_image.build(url, tag=tag, base=base, claude=claude, progress=_say)
    if settings.output == "json":
        emit({"tag": tag, "id": built})
    else:
        click.echo(built)


@image.command()
@click.option(
    "--engine-url",
    default=DEFAULT_ENGINE,
    show_default=True,
    help="The engine, as in the inventory.",
)
@click.pass_obj
def base(settings: Settings, engine_url: str) -> None:
    """Make or find a base image; print its name."""
    from agentctl.engine import image as agent_image
    from agentctl.engine.api import Api
    from agentctl.engine.ssh.reach import reached

    with reached(engine_url) as url:
        name = agent_image.base_available(Api(url), progress=_say)
    if settings.output == "json":
        emit({"base": name})
    else:
        click.echo(name)


def _say(line: str) -> None:
    click.echo(line, err=True)
