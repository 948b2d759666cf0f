"""`agentctl hub`, `gateway`, `egress`, `reconcile` and `follow`: one process each, alone or under `serve`."""

import signal
import threading
from collections.abc import Callable
from contextlib import suppress

import click

from agentctl.cli import Settings
from agentctl.paths import StatePaths

BROKEN_CHARS_MAX = 2000  # of what is wrong with the files, as the hub shows it


def _until_told(name: str, work: Callable[[threading.Event], None]) -> None:
    """Run `work` until SIGTERM or SIGINT sets its stop event; log as JSON lines."""
    from agentctl.supervise.bond import end_with_supervisor
    from agentctl.supervise.log_lines import log_as_json

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    end_with_supervisor()
    log_as_json(name)
    work(stop)


@click.command()
@click.option(
    "--listen",
    default="127.0.0.1:8700",
    show_default=True,
    help="Where operators reach the hub by token.",
)
@click.pass_obj
def hub(settings: Settings, listen: str) -> None:
    """Run the hub alone."""
    from agentctl.bootstrap import run_hub
    from agentctl.cli.listen import address

    host, port = address(listen)
    paths = StatePaths(settings.state)
    _until_told("hub", lambda stop: run_hub(paths, host=host, port=port, stop=stop))


@click.command()
@click.pass_obj
def gateway(settings: Settings) -> None:
    """Run the model gateway alone."""
    from agentctl.gateway.main import run

    paths = StatePaths(settings.state)
    _until_told("gateway", lambda stop: run(paths, stop))


@click.command()
@click.pass_obj
def egress(settings: Settings) -> None:
    """Run the egress proxy alone."""
    from agentctl.egress.main import run

    paths = StatePaths(settings.state)
    _until_told("egress", lambda stop: run(paths, stop))


@click.command()
@click.pass_obj
def reconcile(settings: Settings) -> None:
    """Run the reconciler alone."""
    from agentctl.loops.main import run

    paths = StatePaths(settings.state)
    _until_told("reconciler", lambda stop: run(paths, stop))


@click.command()
@click.pass_obj
def follow(settings: Settings) -> None:
    """Apply the project's files whenever they change."""
    from agentctl.cli.apply_files import apply_files
    from agentctl.client import connect
    from agentctl.errors import AgentctlError
    from agentctl.supervise.follow import Follow

    def tell(why: str) -> None:
        with suppress(AgentctlError):  # it is in the log too; the next change tells again
            connect(settings).post("/api/hub/files", {"broken": why[:BROKEN_CHARS_MAX]})

    files = Follow(settings.project, apply=lambda: apply_files(settings), tell=tell)

    def run(stop: threading.Event) -> None:
        signal.signal(signal.SIGHUP, lambda *_: files.again())
        files.run(stop)

    _until_told("follow", run)
