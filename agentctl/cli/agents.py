"""`agentctl agents`: the declared agents and the containers they have."""

import time
from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.duration import ago
from agentctl.cli.output import emit, table
from agentctl.client import connect


@click.command()
@click.pass_obj
def agents(settings: Settings) -> None:
    """List agents and their containers."""
    found = connect(settings).get("/api/hub/agents")
    if settings.output == "json":
        emit(found)
    elif not found["agents"]:
        click.echo("No agents: nothing is applied yet. Run agentctl apply.", err=True)
    else:
        _show(found["agents"])


def _show(found: list[dict[str, Any]]) -> None:
    table(
        ("agent", "host", "provider", "boundary", "clearance", "running", "capabilities"),
        [
            (
                each["name"],
                each["host"],
                each["provider"],
                each["boundary"],
                each["clearance"],
                f"{each['running']}/{each['replicas']}",
                ",".join(each["capabilities"]) or "-",
            )
            for each in found
        ],
    )
    instances = [(agent, each) for agent in found for each in agent["instances"]]
    if not instances:
        return
    now_s = time.time()
    click.echo()
    table(
        ("container", "agent", "state", "instance", "task", "seen"),
        [
            (
                _short(each["container"]),
                f"{agent['name']}/{each['replica']}",
                each["state"],
                each["id"],
                each["task"] or "-",
                ago(each["last_seen_s"], now_s=now_s),
            )
            for agent, each in instances
        ],
    )


def _short(container: str) -> str:
    """Return a container's id as its engine shows it: Docker's in 12 digits."""
    return container[:12] if len(container) == 64 else container or "-"
