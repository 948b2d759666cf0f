"""`agentctl inventory`: the hosts, and where each of a host's variables comes from."""

import json
from typing import TYPE_CHECKING

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit, table
from agentctl.errors import EXIT_OK

if TYPE_CHECKING:
    from agentctl.config.explain import Explained


@click.command()
@click.option("--host", default="", metavar="NAME", help="Show this host's variables.")
@click.option(
    "--explain", is_flag=True, help="Also show where each value came from, and over what."
)
@click.option("-e", "--extra-vars", multiple=True, metavar="K=V", help="As for validate.")
@click.pass_obj
def inventory(settings: Settings, host: str, explain: bool, extra_vars: tuple[str, ...]) -> int:
    """List the inventory's hosts, or one host's variables."""
    from agentctl.config import explain as config

    if not host:
        _list(settings, config.host_names(settings.project))
        return EXIT_OK
    found = config.explain(settings.project, host, extra_vars=extra_vars)
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
