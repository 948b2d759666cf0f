"""`agentctl submit`: hand a task to the fleet, and wait for its result if asked."""

import json
import sys
from typing import Any, BinaryIO

import click

from agentctl.cli import Settings, task_screen
from agentctl.cli.duration import Deadline, Duration
from agentctl.cli.following import follow, in_path
from agentctl.cli.output import as_it_is, emit, harmless
from agentctl.client import Hub, connect
from agentctl.errors import EXIT_ERROR, EXIT_OK, EXIT_REFUSED, UsageError

FINAL = frozenset({"completed", "failed", "cancelled", "timed_out", "dead"})


@click.command()
@click.argument("prompt")
@click.option("--sensitivity", metavar="LEVEL", help="The work's label; unlabelled is the default.")
@click.option("--capability", "capabilities", multiple=True, help="What its agent must be able to.")
@click.option("--agent", help="The agent to give it to, if it may take it.")
@click.option("--label", "labels", multiple=True, metavar="K=V", help="For routes to match.")
@click.option("--priority", type=int, help="Higher goes first; 0 by default.")
@click.option("--timeout", type=Duration(), help="How long one attempt may take: 90s, 5m, 2h.")
@click.option(
    "--deadline",
    type=Deadline(),
    metavar="TIME",
    help="When it is of no use any more: 2h, RFC 3339.",
)
@click.option("--max-attempts", type=int, help="How often it may be tried; 3 by default.")
@click.option("--budget-usd", type=float, help="The most it may cost, in dollars.")
@click.option("--budget-tokens", type=int, help="The most tokens it may use.")
@click.option("--budget-turns", type=int, help="The most turns its agent may take.")
@click.option(
    "--output-schema",
    type=click.File("rb"),
    help="A JSON Schema that the structured result must meet; `-` reads it from standard input.",
)
@click.option(
    "--parent", metavar="ID", help="The task it derives from; its label is at least that."
)
@click.option("--idempotency-key", metavar="KEY", help="A repeat returns the first task.")
@click.option("--wait", is_flag=True, help="Wait for the end; print the result's text.")
@click.pass_obj
def submit(
    settings: Settings,
    prompt: str,
    sensitivity: str | None,
    capabilities: tuple[str, ...],
    agent: str | None,
    labels: tuple[str, ...],
    priority: int | None,
    timeout: float | None,
    deadline: tuple[str, float] | None,
    max_attempts: int | None,
    budget_usd: float | None,
    budget_tokens: int | None,
    budget_turns: int | None,
    output_schema: BinaryIO | None,
    parent: str | None,
    idempotency_key: str | None,
    wait: bool,
) -> int:
    """Hand a task to the fleet. PROMPT is its text; `-` reads it from standard input.

    With --wait the exit code is 0 only if the task completed, and 3 at once if nobody may take it.
    """
    hub = connect(settings)
    asked = {
        "prompt": sys.stdin.read() if prompt == "-" else prompt,
        "sensitivity": sensitivity,
        "capabilities": list(capabilities) or None,
        "agent": agent,
        "labels": pairs(labels) or None,
        "priority": priority,
        "timeout_s": timeout,
        **({deadline[0]: deadline[1]} if deadline else {}),
        "max_attempts": max_attempts,
        "budget": _given(usd=budget_usd, tokens=budget_tokens, turns=budget_turns) or None,
        "output_schema": _schema(output_schema) if output_schema else None,
        "parent": parent,
    }
    body = _given(**asked)
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    task = hub.post("/api/hub/tasks", body, headers=headers)
    held = task["state"] == "held"  # nobody may take it as things stand: not worth a wait
    if wait and not held:
        if settings.output != "json" and task["state"] not in FINAL:
            click.echo(f"{task['id']} {_on_its_way(task)}", err=True)
        task = until_final(hub, task, output=settings.output)
    if settings.output == "json":
        emit(task)
    elif wait and not held:
        show_end(task)
    else:
        show_accepted(task)
    if wait and held:
        click.echo(f"it stays held until that changes: agentctl task wait {task['id']}", err=True)
        return EXIT_REFUSED
    return EXIT_OK if not wait or task["state"] == "completed" else EXIT_ERROR


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _schema(file: BinaryIO) -> Any:
    try:
        return json.loads(file.read())
    except ValueError as cause:
        raise UsageError(f"--output-schema {file.name} is not JSON: {cause}") from cause


def pairs(labels: tuple[str, ...]) -> dict[str, str]:
    """Return `k=v` words as a mapping; raises UsageError for a word without `=`."""
    found = {}
    for word in labels:
        name, equals, value = word.partition("=")
        if not (name and equals):
            raise UsageError(f"--label {word!r} is not of the form name=value")
        found[name] = value
    return found


def until_final(
    hub: Hub, task: dict[str, Any], *, output: str, timeout_s: float | None = None
) -> dict[str, Any]:
    """Return the task once it has ended, or as it stands after `timeout_s`; shows how far it is."""
    if task["state"] not in FINAL:
        with task_screen.waiting(output=output, attempts=task.get("max_attempts")) as tell:
            follow(hub, task["id"], tell, timeout_s=timeout_s)
        return hub.get(f"/api/hub/tasks/{in_path(task['id'])}")
    return task


def show_accepted(task: dict[str, Any]) -> None:
    """Print the new task's id on stdout, and where it goes on stderr."""
    click.echo(task["id"])
    if task["state"] == "held":
        click.echo(f"held: {task['held_reason']}", err=True)
    else:
        click.echo(_on_its_way(task), err=True)


def _on_its_way(task: dict[str, Any]) -> str:
    where = f"{task['agent']} ({task['provider']}, {task['boundary']})"
    return f"{task['state']} for {where}, by {task['rule']}"


def show_end(task: dict[str, Any]) -> None:
    """Print the result on stdout, the structured one if there is one; what else to say on stderr."""
    result = task["result"] or {}
    if result.get("structured") is not None:
        emit(result["structured"])
    elif result.get("text"):
        click.echo(as_it_is(result["text"]))
    if task["state"] != "completed":
        reason = task["error"] or result.get("detail") or result.get("reason") or "no reason given"
        partial = " (the text is partial)" if result.get("partial") else ""
        click.echo(f"agentctl: {task['id']} {task['state']}: {harmless(reason)}{partial}", err=True)
