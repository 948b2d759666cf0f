"""`agentctl tasks` and `agentctl task`: list tasks; show, cancel or retry one."""

import time
from typing import Any

import click

from agentctl.cli import Settings, task_screen
from agentctl.cli.artifacts import artifacts
from agentctl.cli.duration import Duration, PastTime, ago, spoken
from agentctl.cli.following import follow, in_path
from agentctl.cli.output import emit, harmless, table
from agentctl.cli.submit import FINAL, pairs, show_accepted, show_end, until_final
from agentctl.client import Hub, connect
from agentctl.errors import EXIT_ERROR, EXIT_OK, EXIT_UNAVAILABLE
from agentctl.model.task import LIVE, TaskState


@click.command()
@click.option(
    "--state",
    "in_state",
    type=click.Choice([state.value for state in TaskState]),
    help="Only tasks in this state.",
)
@click.option("--agent", help="Only this agent's tasks.")
@click.option(
    "--label", "labels", multiple=True, metavar="K=V", help="Only with this label; all of several."
)
@click.option(
    "--since", type=PastTime(), metavar="TIME", help="Only submitted since: 2h ago, or RFC 3339."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--before", metavar="ID", help="Only tasks older than this one: the next page.")
@click.pass_obj
def tasks(
    settings: Settings,
    in_state: str | None,
    agent: str | None,
    labels: tuple[str, ...],
    since: float | None,
    limit: int,
    before: str | None,
) -> None:
    """List tasks, newest first."""
    asked = {"state": in_state, "agent": agent, "label": _words(labels), "since": since}
    page = _page(connect(settings), asked, limit=limit, before=before)
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
        click.echo(f"More: the same with --before {page['next']}", err=True)


def _words(labels: tuple[str, ...]) -> list[str] | None:
    return [f"{name}={value}" for name, value in pairs(labels).items()] or None


def _page(hub: Hub, asked: dict[str, Any], *, limit: int, before: str | None) -> dict[str, Any]:
    """Return a page of `limit` tasks; the hub's own may be shorter, since it bounds what one costs."""
    found: list[dict[str, Any]] = []
    while True:
        page = hub.get("/api/hub/tasks", {**asked, "limit": limit - len(found), "before": before})
        found += page["tasks"]
        before = page["next"]
        if before is None or len(found) >= limit:
            return {"tasks": found, "next": before}


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
        task["held_reason"] or _error(task) or task["rule"] or "-",
    )


def _error(task: dict[str, Any]) -> str:
    """Return why a task failed; of one that goes on, which attempt it is at and why the last failed."""
    if not task["error"] or task["state"] in FINAL or not task.get("attempt"):
        return task["error"] or ""
    attempt = f"attempt {task['attempt']} of {task['max_attempts'] + task.get('put_off', 0)}"
    if task["state"] in LIVE:
        return f"{attempt}; before: {task['error']}"
    return f"{attempt} failed: {task['error']}"


@click.group()
def task() -> None:
    """Show, follow, wait for, cancel or retry one task."""


@task.command()
@click.argument("task_id", metavar="ID")
@click.pass_obj
def show(settings: Settings, task_id: str) -> None:
    """Show one task: where it went and why, what came out, what happened."""
    found = connect(settings).get(f"/api/hub/tasks/{in_path(task_id)}")
    if settings.output == "json":
        emit(found)
    else:
        _show(found)


@task.command()
@click.argument("task_id", metavar="ID")
@click.pass_obj
def cancel(settings: Settings, task_id: str) -> None:
    """Cancel one task; its agent is told to stop."""
    found = connect(settings).delete(f"/api/hub/tasks/{in_path(task_id)}")
    if settings.output == "json":
        emit(found)
    else:
        click.echo(f"{found['id']} {found['state']}")


@task.command()
@click.argument("task_id", metavar="ID")
@click.pass_obj
def retry(settings: Settings, task_id: str) -> None:
    """Submit a task that has ended once more, as a new task with the same label."""
    found = connect(settings).post(f"/api/hub/tasks/{in_path(task_id)}/retry", {})
    if settings.output == "json":
        emit(found)
    else:
        show_accepted(found)


@task.command()
@click.argument("task_id", metavar="ID")
@click.option("--timeout", type=Duration(), help="Wait no longer than this: 90s, 5m, 2h.")
@click.pass_obj
def wait(settings: Settings, task_id: str, timeout: float | None) -> int:
    """Wait for a task's end; print its result's text.

    The exit code is 0 if it completed, 1 if it ended otherwise, 4 if it goes on after --timeout.
    """
    hub = connect(settings)
    found = hub.get(f"/api/hub/tasks/{in_path(task_id)}")
    found = until_final(hub, found, output=settings.output, timeout_s=timeout)
    if settings.output == "json":
        emit(found)
    elif found["state"] in FINAL:
        show_end(found)
    if found["state"] not in FINAL:
        click.echo(f"agentctl: {task_id} is still {found['state']}; it goes on", err=True)
        return EXIT_UNAVAILABLE
    return EXIT_OK if found["state"] == "completed" else EXIT_ERROR


@task.command()
@click.argument("task_id", metavar="ID")
@click.option("--follow", "following", is_flag=True, help="Go on until the task has ended.")
@click.pass_obj
def events(settings: Settings, task_id: str, following: bool) -> None:
    """Show what happened to a task; with --follow also what happens. JSON is an object a line."""
    hub = connect(settings)
    with task_screen.events(output=settings.output) as tell:
        if following:
            follow(hub, task_id, tell)
        else:
            tell(hub.get(f"/api/hub/tasks/{in_path(task_id)}/events"))


task.add_command(artifacts)

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
    "parent",
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
        ("budget", _budget(found.get("budget") or {})),
        ("put off", _put_off(found.get("put_off", 0))),
        ("tokens", _tokens(found["usage"])),
        ("cost", f"${found['cost_usd']:.4f}" if found["cost_usd"] is not None else None),
    ]
    click.echo(found["id"])
    for name, value in rows:
        if value not in (None, ""):
            click.echo(f"  {name.replace('_', ' '):<13} {harmless(str(value))}")
    _show_text("prompt", found.get("prompt"))
    _show_text("result", (found["result"] or {}).get("text"))
    _show_artifacts(found["id"], found["result"] or {})
    _show_events(found.get("events") or [])
    if found["state"] in ("failed", "timed_out", "dead"):
        click.echo(f"\nSubmit it again: agentctl task retry {found['id']}", err=True)


def _budget(budget: dict[str, Any]) -> str:
    """Return what bounds the task, its agent's budget included; "" for nothing."""
    from agentctl.model.budget import written

    return ", ".join(f"{written(most)} {name}" for name, most in budget.items() if most is not None)


def _put_off(times: int) -> str | None:
    """Return what is said of attempts that aren't spent, None where there are none."""
    if not times:
        return None
    which = "1 attempt" if times == 1 else f"{times} attempts"
    return f"{which} ended because the provider was away, and not counted"


def _tokens(usage: dict[str, Any]) -> str | None:
    tokens_in, tokens_out = usage.get("input_tokens", 0), usage.get("output_tokens", 0)
    return f"{tokens_in} in, {tokens_out} out" if tokens_in or tokens_out else None


def _show_text(title: str, text: str | None) -> None:
    if text:
        lines = harmless(text).splitlines()
        click.echo(f"\n{title}\n" + "\n".join(f"  {line}" for line in lines))


def _show_artifacts(task_id: str, result: dict[str, Any]) -> None:
    kept, note = result.get("artifacts") or [], result.get("artifacts_note")
    if kept or note:
        click.echo("\nartifacts")
    for each in kept:
        click.echo(f"  {harmless(each['name'])} ({each['size']} bytes)")
    if note:
        click.echo(f"  left out: {harmless(note)}")
    if kept:
        click.echo(f"  save them: agentctl task artifacts {task_id} --save DIR")


def _show_events(events: list[dict[str, Any]]) -> None:
    if not events:
        return
    click.echo("\nevents")
    for each in events:
        click.echo(f"  {task_screen.event_line(each)}")
