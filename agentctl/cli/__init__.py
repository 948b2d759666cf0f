"""The command line: argv → use case → exit code. Each command's module is loaded when it is called."""

import errno
import importlib
import os
import sys
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from agentctl.errors import EXIT_ERROR, EXIT_USAGE, AgentctlError

# name → (module under agentctl.cli, attribute, one line for --help). A new command is one line here.
COMMANDS = {
    "init": ("init", "init", "Write a commented sample project that validates."),
    "validate": ("validate", "validate", "Check the project's files; list every finding."),
    "inventory": ("inventory", "inventory", "List hosts; show where a host's variables come from."),
    "schema": ("schema", "schema", "Print the JSON Schema of a document kind."),
    "plan": ("plan", "plan", "Show what apply would change; changes nothing."),
    "apply": ("apply", "apply", "Make the files the applied generation and watch it converge."),
    "serve": ("serve", "serve", "Run hub, gateway, egress and reconciler until told to stop."),
    "hub": ("processes", "hub", "Run the hub alone."),
    "gateway": ("processes", "gateway", "Run the model gateway alone."),
    "egress": ("processes", "egress", "Run the egress proxy alone."),
    "reconcile": ("processes", "reconcile", "Run the reconciler alone."),
    "units": ("units", "units", "Write systemd units: an account for each process."),
    "follow": ("processes", "follow", "Apply the project's files whenever they change."),
    "submit": ("submit", "submit", "Hand a task to the fleet."),
    "tasks": ("tasks", "tasks", "List tasks."),
    "task": ("tasks", "task", "Show, follow, wait for, cancel or retry one task."),
    "declassify": (
        "declassify",
        "declassify",
        "Lower a task's or a workspace's label, with a reason.",
    ),
    "agents": ("agents", "agents", "List agents and their containers."),
    "agent": ("agents", "agent", "Show one agent: declaration, containers, tasks."),
    "status": ("status", "status", "Show mode, generation, hosts and counts."),
    "quarantine": ("quarantine", "quarantine", "Set an agent apart: nothing of it runs."),
    "release": ("quarantine", "release", "Let an agent back that was set apart."),
    "alerts": ("alerts", "alerts", "List what needs a person's eye."),
    "decisions": ("decisions", "decisions", "List what policy and routing answered."),
    "dashboard": ("dashboard", "dashboard", "Say where the dashboard is, and make a sign-in code."),
    "watchdog": ("watchdog", "watchdog", "Tell somebody when the hub doesn't answer."),
    "pause": ("modes", "pause", "Hand out no more work."),
    "panic": ("modes", "panic", "Stop everything now, and keep the evidence."),
    "resume": ("modes", "resume", "Hand out work again."),
    "keys": ("keys", "keys", "List or rotate the keys that identities are signed with."),
    "token": ("token", "token", "Make, list and revoke tokens of remote operators and CI."),
    "whoami": ("token", "whoami", "Show as whom the hub knows you."),
    "journal": ("journal", "journal", "Read and verify the journal."),
    "state": ("state", "state", "Verify, back up or restore the state."),
    "policy": ("policy", "policy", "Explain and test what policy allows."),
    "image": ("image", "image", "Build the agent image."),
    "demo": ("demo", "demo", "Run a whole fleet on this machine and route three tasks."),
}


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # where output goes takes no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What every command takes: where the files are, where the state is, how to answer."""

    project: Path
    state: Path
    hub: str  # "" means the operator socket of the state's runtime directory
    output: str  # "text" or "json"
    debug: bool


class LazyGroup(click.Group):
    """A group that imports a command's module only when it is called or asked for its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        loaded = getattr(importlib.import_module(f"agentctl.cli.{module}"), attribute)
        assert isinstance(loaded, click.Command)
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"agentctl {version('agentctl')}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    envvar="AGENTCTL_PROJECT",
    default=Path(),
    help="The project's directory.  [AGENTCTL_PROJECT; default .]",
)
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    envvar="AGENTCTL_STATE",
    default=None,
    help="The state directory.  [AGENTCTL_STATE]",
)
@click.option(
    "--hub",
    envvar="AGENTCTL_HUB",
    default="",
    metavar="URL",
    help="The hub: a socket's path or http://HOST:PORT.  [AGENTCTL_HUB]",
)
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How to print data."
)
@click.option("--debug", is_flag=True, help="Show the chain of causes of an error.")
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Print the version.",
)
@click.pass_context
def agentctl(
    ctx: click.Context, project: Path, state: Path | None, hub: str, output: str, debug: bool
) -> None:
    """Run a fleet of coding agents: declared in YAML, routed by sensitivity, held in by the kernel."""
    from agentctl.paths import default_state

    ctx.obj = Settings(
        project=project,
        state=(state or default_state()).absolute(),
        hub=hub,
        output=output,
        debug=debug,
    )


def main(argv: list[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: list[str]) -> int:
    """Run one command; return its exit code. Errors are one line on stderr, never a traceback."""
    debug = "--debug" in argv
    try:
        code = agentctl.main(args=_common_first(argv), prog_name="agentctl", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except click.Abort:
        click.echo("agentctl: stopped", err=True)
        return 130
    except KeyboardInterrupt:
        click.echo("agentctl: stopped", err=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader is gone: nothing to flush to
        return EXIT_ERROR
    except AgentctlError as error:
        _show(error, debug=debug)
        return error.exit_code
    except Exception as error:
        if debug:
            raise
        click.echo(f"agentctl: {_unplanned(error)}", err=True)
        return EXIT_ERROR


def _unplanned(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"can't write: {error.strerror}"
    return f"a fault of agentctl's own: {type(error).__name__}: {error}; --debug shows where"


def _show(error: BaseException, *, debug: bool) -> None:
    click.echo(f"agentctl: {error}", err=True)
    cause = error.__cause__
    while debug and cause is not None:
        click.echo(f"  because: {type(cause).__name__}: {cause}", err=True)
        cause = cause.__cause__


_COMMON_VALUES = ("--project", "--state", "--hub", "-o", "--output")
_COMMON_FLAGS = ("--debug",)


def _common_first(argv: list[str]) -> list[str]:
    """Move the common options in front of the command: people write them at the end.

    Words after `--` stay where they are. A prompt that equals an option's name needs `--`.
    After `tasks`, `--state queued` is its filter; a value with a slash in it is the directory.
    """
    front: list[str] = []
    rest: list[str] = []
    words = iter(argv)
    for word in words:
        if word == "--":
            return [*front, *rest, "--", *words]
        if word in _COMMON_FLAGS or word.startswith(tuple(f"{o}=" for o in _COMMON_VALUES)):
            front.append(word)
        elif word in _COMMON_VALUES:
            pair = [word, *islice(words, 1)]
            (rest if _filters_tasks(rest, pair) else front).extend(pair)
        else:
            rest.append(word)
    return [*front, *rest]


def _filters_tasks(before: list[str], pair: list[str]) -> bool:
    """Whether `--state WORD` after `tasks` means a task's state; a mistyped one is then named."""
    return "tasks" in before and pair[0] == "--state" and "/" not in pair[-1]
