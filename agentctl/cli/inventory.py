"""`agentctl inventory`: the hosts, and where each of a host's variables comes from."""

import json
from typing import TYPE_CHECKING

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit, table
from agentctl.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from agentctl.config.explain import Explained


@click.command()
@click.option("--host", default="", metavar="NAME", help="Show this host's variables.")
@click.option(
    "--agent", default="", metavar="NAME", help="As this agent sees them, its play's included."
)
@click.option(
    "--explain", is_flag=True, help="Also show where each value came from, and over what."
)
@click.option("-e", "--extra-vars", multiple=True, metavar="K=V", help="As for validate.")
@click.pass_obj
def inventory(
    settings: Settings, host: str, agent: str, explain: bool, extra_vars: tuple[str, ...]
) -> int:
    """List the inventory's hosts, or one host's variables.

    Low to high: the inventory's groups, group_vars/, the inventory's host, host_vars/, the
    play's vars, its vars_files, the agent's vars, -e. With --agent as that agent has them.
    """
    from agentctl.config import explain as config

    if agent and not host:
        raise UsageError("--agent wants --host: an agent's variables are those of one host")
    if explain and not host:
        raise UsageError("--explain wants --host: variables are those of one host")
    if not host:
        _list(settings, config.host_names(settings.project))
        return EXIT_OK
    found = config.explain(settings.project, host, agent=agent, extra_vars=extra_vars)
    if settings.output == "json":
        emit(
            {
                "host": found.host,
                "groups": list(found.groups),
                "variables": [_document(each) for each in found.variables],
            }
        )
        return EXIT_OK
    rows = [
        (each.name, _shown(each), *((_origin(each),) if explain else ()))
        for each in found.variables
    ]
    table(("variable", "value", *(("from",) if explain else ())), rows)
    for finding in found.findings:
        click.echo(str(finding), err=True)
    return EXIT_OK


def _list(settings: Settings, hosts: tuple[str, ...]) -> None:
    if settings.output == "json":
        emit({"hosts": [{"name": each} for each in hosts]})
    else:
        table(("host",), [(each,) for each in hosts])


def _document(variable: "Explained") -> dict[str, object]:
    return {
        "name": variable.name,
        "value": variable.value,
        "layer": variable.layer,
        "source": variable.source,
        "overrides": [{"layer": layer, "source": source} for layer, source in variable.overrides],
    }


def _shown(variable: "Explained") -> str:
    if variable.failed:
        return "(can't be rendered)"
    if isinstance(variable.value, str):
        return variable.value
    return json.dumps(variable.value, ensure_ascii=False)


def _origin(variable: "Explained") -> str:
    here = f"{variable.layer} ({variable.source})"
    over = ", ".join(f"{layer} ({source})" for layer, source in variable.overrides)
    return f"{here}, over {over}" if over else here
