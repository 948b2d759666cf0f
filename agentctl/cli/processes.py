"""`agentctl hub`, `gateway`, `egress`, `reconcile` and `follow`: one process each, alone or under `serve`."""

import functools
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import click

from agentctl.cli import Settings
from agentctl.cli.listen import NAME_HELP
from agentctl.errors import ConfigError
from agentctl.paths import StatePaths

RUNTIME = click.option(
    "--runtime",
    type=click.Path(path_type=Path),
    envvar="AGENTCTL_RUNTIME",
    help="Where the sockets of all processes stand, when each runs as an account of its own."
    "  [AGENTCTL_RUNTIME; default: made for the state directory]",
)
BROKEN_CHARS_MAX = 2000  # of what is wrong with the files, as the hub shows it


def _until_told(
    name: str,
    work: Callable[[threading.Event], None],
    *,
    logs: Path,
    again: Callable[[], None] | None = None,
) -> None:
    """Run `work` until SIGTERM or SIGINT sets its stop event; log as JSON lines.

    With `again` that is what SIGHUP asks for. A log in `logs` doesn't grow without end.
    """
    from agentctl.supervise.bond import end_with_supervisor
    from agentctl.supervise.log_lines import log_as_json
    from agentctl.supervise.signals import told

    stop = threading.Event()
    acts: dict[signal.Signals, Callable[[], object]] = {
        signal.SIGTERM: stop.set,
        signal.SIGINT: stop.set,
    }
    if again is not None:
        acts[signal.SIGHUP] = again
    with told(acts):
        end_with_supervisor()
        log_as_json(name, logs / f"{name}.log")
        work(stop)


def _paths(settings: Settings, runtime: Path | None) -> StatePaths:
    return StatePaths(settings.state, shared=runtime.absolute() if runtime else None)


def _group_option(process: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return click.option(
        f"--{process}-group",
        metavar="GROUP",
        help=f"Let this group's processes be the {process}.  [default: the hub's account alone]",
    )


def _gid(group: str | None) -> int | None:
    """Return a group's number, by its name or as it is; raises ConfigError when there is no such group."""
    if group is None or group.isdecimal():
        return int(group) if group else None
    import grp

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError(
            f"there is no group {group!r}", hint="make it, or name another with --…-group"
        ) from None


@click.command()
@click.option(
    "--listen",
    default="127.0.0.1:8700",
    show_default=True,
    help="Where operators reach the hub by token.",
)
@RUNTIME
@click.option("--name", "names", multiple=True, metavar="HOST", help=NAME_HELP)
@_group_option("gateway")
@_group_option("egress")
@_group_option("reconciler")
@click.pass_obj
def hub(
    settings: Settings,
    /,
    listen: str,
    runtime: Path | None,
    names: tuple[str, ...],
    **groups: str | None,
) -> None:
    """Run the hub alone."""
    from agentctl.bootstrap import Groups, run_hub
    from agentctl.cli.listen import address, host_names

    host, port = address(listen)
    paths = _paths(settings, runtime)
    gids = {name.removesuffix("_group"): _gid(group) for name, group in groups.items()}
    known = host_names(names)
    work = functools.partial(
        run_hub, paths, host=host, port=port, names=known, groups=Groups(**gids)
    )
    _until_told("hub", lambda stop: work(stop=stop), logs=paths.logs)


@click.command()
@RUNTIME
@click.pass_obj
def gateway(settings: Settings, runtime: Path | None) -> None:
    """Run the model gateway alone."""
    from agentctl.gateway.main import run

    paths = _paths(settings, runtime)
    _until_told("gateway", lambda stop: run(paths, stop), logs=paths.logs)


@click.command()
@RUNTIME
@click.pass_obj
def egress(settings: Settings, runtime: Path | None) -> None:
    """Run the egress proxy alone."""
    from agentctl.egress.main import run

    paths = _paths(settings, runtime)
    _until_told("egress", lambda stop: run(paths, stop), logs=paths.logs)


@click.command()
@RUNTIME
@click.pass_obj
def reconcile(settings: Settings, runtime: Path | None) -> None:
    """Run the reconciler alone."""
    from agentctl.loops.main import run

    paths = _paths(settings, runtime)
    _until_told("reconciler", lambda stop: run(paths, stop), logs=paths.logs)


@click.command()
@click.pass_obj
def follow(settings: Settings) -> None:
    """Apply the project's files whenever they change."""
    from agentctl.cli.apply_files import FilesRead, apply_files
    from agentctl.client import connect
    from agentctl.errors import AgentctlError
    from agentctl.supervise.follow import Follow

    def tell(why: str, since_s: float) -> bool:
        body = {"broken": why[:BROKEN_CHARS_MAX], "since_s": since_s}
        try:
            connect(settings).post("/api/hub/files", body)
        except AgentctlError:  # it is in the log too
            return False
        return True

    read = FilesRead()
    files = Follow(
        settings.project,
        apply=lambda: apply_files(settings, read),
        tell=tell,
        others=lambda: read.others,
    )
    logs = StatePaths(settings.state).logs
    _until_told("follow", files.run, logs=logs, again=files.again)
