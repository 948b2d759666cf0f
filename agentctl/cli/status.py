"""`agentctl status`: is the fleet well, on one screen."""

from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit
from agentctl.client import connect


@click.command()
@click.pass_obj
def status(settings: Settings) -> None:
    """Show mode, generation, hosts and counts."""
    found = connect(settings).get("/api/hub/status")
    if settings.output == "json":
        emit(found)
        return
    for name, value in _lines(found):
        click.echo(f"{name:<11} {value}")
    for alert in found["alerts"]:
        click.echo(f"! {_alert(alert)}")


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    mode = found["mode"]
    reason = f" ({mode['reason']})" if mode.get("reason") else ""
    return [
        ("mode", f"{mode['mode']}{reason}"),
        ("generation", _generation(found["generation"], found.get("converged"))),
        ("hosts", ", ".join(_host(each) for each in found["hosts"]) or "none looked at yet"),
        ("containers", _counts(found["instances"])),
        ("tasks", _counts(found["tasks"])),
        ("version", found["version"]),
    ]


def _generation(generation: dict[str, Any] | None, converged: bool | None) -> str:
    if not generation:
        return "none: run agentctl apply"
    commit = f" of commit {generation['commit'][:12]}" if generation.get("commit") else ""
    by = f", applied by {generation['applied_by']}" if generation.get("applied_by") else ""
    state = "" if converged is None else ", converged" if converged else ", converging"
    return f"{generation['number']}{commit}{by}{state}"


def _host(host: dict[str, Any]) -> str:
    return host["name"] if host["reachable"] else f"{host['name']} (unreachable: {host['error']})"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "none"


def _alert(alert: Any) -> str:
    return f"{alert['name']}: {alert['detail']}" if isinstance(alert, dict) else str(alert)
