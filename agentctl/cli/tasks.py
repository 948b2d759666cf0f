"""`agentctl tasks` and `agentctl task`: list tasks; show, cancel or retry one."""

import time
from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.duration import ago, spoken
from agentctl.cli.output import emit, table
from agentctl.cli.submit import show_accepted
from agentctl.client import connect
from agentctl.model.task import TaskState


@click.command()
@click.option(
    "--state",
    "in_state",
    type=click.Choice([state.value for state in TaskState]),
    help="Only tasks in this state.",
)
@click.option("--agent", help="Only this agent's tasks.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--before", metavar="ID", help="Only tasks older than this one: the next page.")
@click.pass_obj
def tasks(
    settings: Settings, in_state: str | None, agent: str | None, limit: int, before: str | None
) -> None:
    """List tasks, newest first."""
    page = connect(settings).get(
        "/api/hub/tasks", {"state": in_state, "agent": agent, "limit": limit, "before": before}
    )
    if settings.output == "json":
        emit(page)
        return
    if not page["tasks"]:
        click.echo("No tasks.", err=True)
        return
    now_s = time.time()
    table(
        ("id", "state", "sensitivity", "agent", "provider", "boundary", "age", "took", "why"),
        [_row(each, now_s) for each in page["tasks"]],
    )
    if page["next"]:
        click.echo(f"More: agentctl tasks --before {page['next']}", err=True)


def _row(task: dict[str, Any], now_s: float) -> tuple[object, ...]:
    return (
        task["id"],
        task["state"],
        task["sensitivity"],
        task["agent"] or "-",
        task["provider"] or "-",
        task["boundary"] or "-",
        ago(task["submitted_at_s"], now_s=now_s),
        spoken(task["duration_s"]),
        task["held_reason"] or task["error"] or task["rule"] or "-",
    )


@click.group()
def task() -> None:
    """Show, cancel or retry one task."""


@task.command()
@click.argument("task_id", metavar="ID")
@click.pass_obj
def show(settings: Settings, task_id: str) -> None:
    """Show one task: where it went and why, what came out, what happened."""
    found = connect(settings).get(f"/api/hub/tasks/{_in_path(task_id)}")
    if settings.output == "json":
        emit(found)
    else:
        _show(found)


@task.command()
@click.argument("task_id", metavar="ID")
@click.pass_obj
def cancel(settings: Settings, task_id: str) -> None:
    """Cancel one task; its agent is told to stop."""
    found = connect(settings).delete(f"/api/hub/tasks/{_in_path(task_id)}")
    if settings.output == "json":
        emit(found)
    else:
        click.echo(f"{found['id']} {found['state']}")


@task.command()
@click.argument("task_id", metavar="ID")
@click.pass_obj
def retry(settings: Settings, task_id: str) -> None:
    """Submit a task that has ended once more, as a new task with the same label."""
    found = connect(settings).post(f"/api/hub/tasks/{_in_path(task_id)}/retry", {})
    if settings.output == "json":
        emit(found)
    else:
        show_accepted(found)


def _in_path(task_id: str) -> str:
    """Return an id safe in a URL's path: nothing typed here can name another route."""
    from urllib.parse import quote

    return quote(task_id, safe="")


_SHOWN = (
    "state",
    "sensitivity",
    "declared",
    "rule",
    "held_reason",
    "agent",
    "provider",
    "boundary",
    "instance",
    "container",
    "attempt",
    "decision",
    "generation",
    "submitted_by",
    "retry_of",
    "error",
)


def _show(found: dict[str, Any]) -> None:
    now_s = time.time()
    rows = [(name, found.get(name)) for name in _SHOWN]
    rows += [
        ("labels", " ".join(f"{name}={value}" for name, value in found["labels"].items())),
        ("capabilities", " ".join(found["capabilities"])),
        ("submitted", f"{ago(found['submitted_at_s'], now_s=now_s)} ago"),
        ("took", spoken(found["duration_s"]) if found["duration_s"] is not None else None),
        ("tokens", _tokens(found["usage"])),
        ("cost", f"${found['cost_usd']:.4f}" if found["cost_usd"] is not None else None),
    ]
    click.echo(found["id"])
    for name, value in rows:
        if value not in (None, ""):
            click.echo(f"  {name.replace('_', ' '):<13} {value}")
    _show_text("prompt", found.get("prompt"))
    _show_text("result", (found["result"] or {}).get("text"))
    _show_events(found.get("events") or [])


def _tokens(usage: dict[str, Any]) -> str | None:
    tokens_in, tokens_out = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    return f"{tokens_in} in, {tokens_out} out" if tokens_in or tokens_out else None


def _show_text(title: str, text: str | None) -> None:
    if text:
        click.echo(f"\n{title}\n" + "\n".join(f"  {line}" for line in text.splitlines()))


def _show_events(events: list[dict[str, Any]]) -> None:
    if not events:
        return
    click.echo("\nevents")
    for each in events:
        at = time.strftime("%H:%M:%S", time.localtime(each.get("at_s", 0)))
        detail = f": {each['detail']}" if each.get("detail") else ""
        click.echo(f"  {at} {each['event']}{detail}")
