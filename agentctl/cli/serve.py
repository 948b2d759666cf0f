"""`agentctl serve`: hub, gateway, egress and reconciler as supervised children, until told to stop."""

import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from agentctl.cli import Settings
from agentctl.cli.listen import NAME_HELP
from agentctl.errors import EXIT_OK
from agentctl.paths import StatePaths, runtime_root

LISTEN = "127.0.0.1:8700"


@click.command()
@click.option(
    "--listen", default=LISTEN, show_default=True, help="Where operators reach the hub by token."
)
@click.option("--name", "names", multiple=True, metavar="HOST", help=NAME_HELP)
@click.option("--follow", is_flag=True, help="Apply the project's files whenever they change.")
@click.option(
    "--gateway-env",
    multiple=True,
    metavar="NAME",
    help="Let the gateway see this variable (for an api_key from env). Repeatable.",
)
@click.option(
    "--reconciler-env",
    multiple=True,
    metavar="NAME",
    help="Let the reconciler see this variable (for secrets from env). Repeatable.",
)
@click.pass_obj
def serve(
    settings: Settings,
    listen: str,
    names: tuple[str, ...],
    follow: bool,
    gateway_env: tuple[str, ...],
    reconciler_env: tuple[str, ...],
) -> int:
    """Run hub, gateway, egress and reconciler until told to stop.

    Ctrl-C or SIGTERM stops them in order; agents' containers go on and are adopted by the
    next start. The processes log to the state directory's logs.
    """
    from agentctl.cli.listen import address, host_names
    from agentctl.supervise.members import Serving, members
    from agentctl.supervise.serve import Supervisor
    from agentctl.supervise.serve_lock import only_one
    from agentctl.supervise.signals import listening

    address(listen)  # a mistake is the operator's to see, not the child's
    paths = StatePaths(settings.state)
    paths.prepare(paths.logs)
    serving = Serving(
        paths=paths,
        project=settings.project.absolute(),
        listen=listen,
        names=host_names(names),
        follow=follow,
        gateway_env=gateway_env,
        reconciler_env=reconciler_env,
    )
    with only_one(paths.state), _in_a_clear_place(paths), listening() as signals:
        supervisor = Supervisor(
            members(serving, os.environ, supervisor=os.getpid()),
            signals=signals,
            say=_say,
            random=random.random,
        )
        ended = supervisor.run(up=lambda: _say(_up(serving.listen, paths)))
    if ended.words:
        click.echo(f"agentctl: {ended.words}", err=True)
    return ended.code or EXIT_OK


@contextmanager
def _in_a_clear_place(paths: StatePaths) -> Iterator[None]:
    """Sweep what dead installations left, make our own directories, and take them away at the end."""
    from agentctl.supervise import runtime

    for each in runtime.sweep(runtime_root(), but=paths.runtime):
        _say(f"removed {each}: the state that it was of is gone")
    paths.prepare()
    try:
        yield
    finally:
        runtime.clear(paths)


def _up(listen: str, paths: StatePaths) -> str:
    return (
        f"serving: http://{listen} and {paths.operator_socket}; logs in {paths.logs}; Ctrl-C stops"
    )


def _say(line: str) -> None:
    with suppress(OSError):  # a terminal that is gone must not take the fleet with it
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - diagnostics, as they happen
