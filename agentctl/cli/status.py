"""`agentctl status`: is the fleet well, on one screen."""

from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.output import clock, emit, harmless
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
        ("mode", f"{mode['mode']}{reason}{_since(mode)}"),
        *(("", f"cause: {each['reason']}") for each in mode["causes"]),
        ("generation", _generation(found["generation"], found.get("converged"))),
        *(("files", _files(found["files"])) for _ in (1,) if found.get("files")),
        *(("quarantined", _apart(each)) for each in found["quarantined"]),
        *(
            ("provider", f"{name} is unusable: {why}")
            for name, why in sorted(found.get("unusable", {}).items())
        ),
        *(
            ("provider", f"{name} is {how}; its work is held")
            for name, how in sorted(found.get("away", {}).items())
        ),
        *(
            ("provider", f"{name}: {how}")
            for name, how in sorted(found.get("failing", {}).items())
            if name not in found.get("away", {})
        ),
        ("hosts", ", ".join(_host(each) for each in found["hosts"]) or "none looked at yet"),
        ("containers", _counts(found["instances"])),
        ("tasks", _counts(found["tasks"])),
        ("version", found["version"]),
    ]


def _apart(stands: dict[str, Any]) -> str:
    why = f": {harmless(stands['why'])}" if stands["why"] else ""
    return f"{stands['agent']}, since {clock(stands['since_s'])} by {stands['who']}{why}"


def _files(files: dict[str, Any]) -> str:
    first = str(files["broken"]).strip().partition("\n")[0]
    return f"not applied since {clock(files['since_s'])}: {first}"


def _generation(generation: dict[str, Any] | None, converged: bool | None) -> str:
    if not generation:
        return "none: run agentctl apply"
    commit = f" of commit {_short(generation['commit'])}" if generation.get("commit") else ""
    by = f", applied by {generation['applied_by']}" if generation.get("applied_by") else ""
    state = "" if converged is None else ", converged" if converged else ", converging"
    return f"{generation['number']}{commit}{by}{state}"


def _short(commit: str) -> str:
    """Return a commit's first characters; the + of a tree that wasn't clean stays."""
    return commit[:12] + ("+" if commit.endswith("+") else "")


def _host(host: dict[str, Any]) -> str:
    return host["name"] if host["reachable"] else f"{host['name']} (unreachable: {host['error']})"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count) or "none"


def _since(mode: dict[str, Any]) -> str:
    if mode["mode"] == "normal" or not mode["since_s"]:
        return ""
    by = f" by {mode['who']}" if mode["who"] else ""
    return f", since {clock(mode['since_s'])}{by}"


def _alert(alert: dict[str, Any]) -> str:
    about = f" {alert['subject']}" if alert["subject"] else ""
    return f"{alert['check']}{about}, since {clock(alert['since_s'])}: {alert['words']}"
