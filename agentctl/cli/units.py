"""`agentctl units`: systemd's files that run each process as an account of its own."""

import shutil
import sys
from pathlib import Path
from string import Template

import click

from agentctl.cli import Settings
from agentctl.cli.listen import NAME_HELP
from agentctl.cli.output import emit
from agentctl.errors import EXIT_OK, ConfigError, Conflict

TEMPLATES = Path(__file__).parent / "systemd"
RUNTIME = "/run/agentctl-fleet"
LISTEN = "127.0.0.1:8700"
HIDDEN = ("/home", "/root", "/run/user")  # from the units, by ProtectHome=
# Where each kind of file belongs below /etc; the accounts' and the directories' have one name there.
FOLDERS = {".sysusers.conf": "sysusers.d", ".tmpfiles.conf": "tmpfiles.d"}


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--program",
    type=click.Path(path_type=Path),
    help="The agentctl that the units start.  [default: this one]",
)
@click.option(
    "--listen", default=LISTEN, show_default=True, help="Where operators reach the hub by token."
)
@click.option("--name", "names", multiple=True, metavar="HOST", help=NAME_HELP)
@click.pass_obj
def units(
    settings: Settings,
    directory: Path,
    program: Path | None,
    listen: str,
    names: tuple[str, ...],
) -> int:
    """Write systemd's files for this machine: four accounts, the sockets' directory, four services.

    DIRECTORY gets what belongs below /etc. Overwrites nothing.
    """
    from agentctl.cli.listen import address, host_names

    address(listen)
    known = host_names(names)
    files = rendered(program=_startable(program or _this()), listen=listen, names=known)
    taken = [name for name in files if (directory / name).exists()]
    if taken:
        raise Conflict(
            f"{directory / taken[0]} is already there; nothing was written",
            hint="choose an empty directory",
        )
    for name, content in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        with (directory / name).open("x") as file:
            file.write(content)
    if settings.output == "json":
        emit({"directory": str(directory), "files": list(files)})
        return EXIT_OK
    click.echo("\n".join(f"wrote {directory / name}" for name in files))
    click.echo(NEXT.format(directory=directory, socket=f"{RUNTIME}/operator.sock"))
    return EXIT_OK


NEXT = """\
Next, as root:
  cp -r {directory}/. /etc/
  systemd-sysusers && systemd-tmpfiles --create
  systemctl daemon-reload && systemctl enable --now agentctl.target
  chown agentctl-gateway KEYFILE    # each provider's key; agentctl-reconciler for agents' secrets
  agentctl --hub {socket} status"""


def rendered(
    *,
    program: Path,
    listen: str = LISTEN,
    names: tuple[str, ...] = (),
    runtime: str = RUNTIME,
) -> dict[str, str]:
    """Return each file's path below /etc and its content."""
    reached = " --name ".join((listen, *names))  # checked: neither has a space in it
    values = {"program": str(program), "listen": reached, "runtime": runtime}
    return {
        _below_etc(each.name): Template(each.read_text()).substitute(values)
        for each in sorted(TEMPLATES.iterdir())
    }


def _below_etc(name: str) -> str:
    for suffix, folder in FOLDERS.items():
        if name.endswith(suffix):
            return f"{folder}/{name.removesuffix(suffix)}.conf"
    return f"systemd/system/{name}"


def _this() -> Path:
    """Return the program that is running, as it was found."""
    return Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute()


def _startable(program: Path) -> Path:
    """Return the program; raises ConfigError when no other account could start it there."""
    words = str(program)
    if not program.is_absolute() or any(each.isspace() or each in "$%\"'\\;" for each in words):
        raise ConfigError(
            f"{words!r} can't stand in a unit",
            hint="give an absolute path of plain characters with --program",
        )
    if program.resolve().is_relative_to(Path.home()) or words.startswith(HIDDEN):
        raise ConfigError(
            f"the services' accounts can't start {words}: it is in a home directory",
            hint="install agentctl elsewhere (python3 -m venv /opt/agentctl), and name it with --program",
        )
    return program
