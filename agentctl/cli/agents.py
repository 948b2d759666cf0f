"""`agentctl agents` and `agentctl agent`: the declared agents, their containers, and one agent in full."""

import time
from datetime import datetime
from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.duration import ago, spoken
from agentctl.cli.output import emit, harmless, table
from agentctl.client import connect


@click.command()
@click.pass_obj
def agents(settings: Settings) -> None:
    """List agents and their containers."""
    found = connect(settings).get("/api/hub/agents")
    if settings.output == "json":
        emit(found)
    elif not found["agents"]:
        click.echo(
            "No agents are declared in what is applied; `agentctl status` says what is.", err=True
        )
    else:
        _list(found["agents"])


@click.group()
def agent() -> None:
    """Show one agent."""


@agent.command()
@click.argument("name")
@click.pass_obj
def show(settings: Settings, name: str) -> None:
    """Show one agent: what is declared, its containers with the times of their states, its tasks."""
    from urllib.parse import quote

    found = connect(settings).get(f"/api/hub/agents/{quote(name, safe='')}")
    if settings.output == "json":
        emit(found)
    else:
        _show(found)


def _list(found: list[dict[str, Any]]) -> None:
    table(
        ("agent", "host", "provider", "boundary", "clearance", "running", "capabilities"),
        [
            (
                each["name"],
                each["host"],
                each["provider"],
                each["boundary"],
                each["clearance"],
                _running(each),
                ",".join(each["capabilities"]) or "-",
            )
            for each in found
        ],
    )
    instances = [(each["name"], one) for each in found for one in each["instances"]]
    if instances:
        click.echo()
        _containers(instances)


def _running(agent: dict[str, Any]) -> str:
    """Return "2/2" of a persistent agent; of an ephemeral one how many run, and the most there may be."""
    if agent["quarantined"]:
        return f"quarantined ({agent['running']} running)"
    if agent["lifecycle"] == "persistent":
        return f"{agent['running']}/{agent['replicas']}"
    return f"{agent['running']} (up to {agent['replicas']}, {agent['warm']} warm)"


def _apart(stands: dict[str, Any]) -> str:
    why = f": {harmless(stands['why'])}" if stands["why"] else ""
    return f"since {_clock(stands['since_s'])} by {stands['who']}{why}"


def _containers(instances: list[tuple[str, dict[str, Any]]]) -> None:
    now_s = time.time()
    table(
        ("container", "agent", "state", "since", "label", "instance", "task", "seen"),
        [
            (
                _short(each["container"]),
                f"{name}/{each['replica']}",
                each["state"],
                ago(each["states"].get(each["state"]), now_s=now_s),
                each["label"],
                each["id"],
                each["task"] or ("(warm)" if each["warm"] else "-"),
                ago(each["last_seen_s"], now_s=now_s),
            )
            for name, each in instances
        ],
    )


def _show(found: dict[str, Any]) -> None:
    first = found["declared"][0]
    facts = (
        ("agent", found["name"]),
        ("provider", f"{first['provider']} (boundary {first['boundary']})"),
        ("clearance", first["clearance"]),
        ("capabilities", ", ".join(first["capabilities"]) or "-"),
        ("lifecycle", first["lifecycle"]),
        ("executor", first["executor"]),
        ("queued", first["queued"]),
        *(("quarantined", _apart(first["quarantined"])) for _ in (1,) if first["quarantined"]),
    )
    for name, value in facts:
        click.echo(f"{name:<13} {value}")
    click.echo()
    table(
        ("host", "image", "running", "ttl", "secrets"),
        [
            (
                each["host"],
                each["image"],
                _running(each),
                spoken(each["ttl_s"]),
                ",".join(each["secrets"]) or "-",
            )
            for each in found["declared"]
        ],
    )
    living = [(found["name"], one) for each in found["declared"] for one in each["instances"]]
    if living:
        click.echo()
        _containers(living)
    if found["workspaces"]:
        click.echo()
        table(
            ("workspace", "host", "holds work up to"),
            [
                (f"{found['name']}/{each['replica']}", each["host"], each["holds"] or "-")
                for each in found["workspaces"]
            ],
        )
    _history([one for _, one in living] + found["gone"])
    _tasks("current tasks", found["current"])
    _tasks("last tasks", found["last"])


def _history(instances: list[dict[str, Any]]) -> None:
    """Print when each container entered each of its states."""
    for each in instances:
        click.echo(f"\n{each['id']} on {each['host']}, label {each['label']}")
        for state, at_s in each["states"].items():
            click.echo(f"  {_clock(at_s)}  {state}")
        if each["reason"]:
            click.echo(f"  {each['reason']}")


def _tasks(title: str, tasks: list[dict[str, Any]]) -> None:
    if not tasks:
        return
    now_s = time.time()
    click.echo(f"\n{title}")
    table(
        ("id", "state", "sensitivity", "instance", "age", "took"),
        [
            (
                each["id"],
                each["state"],
                each["sensitivity"],
                each["instance"] or "-",
                ago(each["submitted_at_s"], now_s=now_s),
                spoken(each["duration_s"]),
            )
            for each in tasks
        ],
    )


def _clock(at_s: float) -> str:
    """Return a wall-clock time in this machine's zone, to the hundredth: states follow each other fast."""
    return datetime.fromtimestamp(at_s).astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-4]


def _short(container: str) -> str:
    """Return a container's id as its engine shows it: Docker's in 12 digits."""
    return container[:12] if len(container) == 64 else container or "-"
