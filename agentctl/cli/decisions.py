"""`agentctl decisions`: what policy and routing answered, newest first."""

from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.output import clock, emit, table
from agentctl.client import Hub, connect


@click.command()
@click.option("--allowed/--refused", "allowed", default=None, help="Only those.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@click.option("--before", metavar="ID", help="Only decisions older than this one: the next page.")
@click.pass_obj
def decisions(settings: Settings, allowed: bool | None, limit: int, before: str | None) -> None:
    """List decisions, newest first: who may do what to whom, by which rule, and why."""
    page = _page(connect(settings), allowed, limit=limit, before=before)
    if settings.output == "json":
        emit(page)
        return
    if not page["decisions"]:
        click.echo("No decisions.", err=True)
        return
    columns = ("at", "answer", "verb", "who", "to", "level", "rule", "why", "id")
    table(columns, [_row(each) for each in page["decisions"]])
    if page["next"]:
        click.echo(f"More: the same with --before {page['next']}", err=True)


def _page(hub: Hub, allowed: bool | None, *, limit: int, before: str | None) -> dict[str, Any]:
    """Return a page of `limit`; the hub's own may be shorter, since it bounds what one costs."""
    said = None if allowed is None else str(allowed).lower()
    found: list[dict[str, Any]] = []
    while True:
        asked = {"allowed": said, "limit": limit - len(found), "before": before}
        page = hub.get("/api/hub/decisions", asked)
        found += page["decisions"]
        before = page["next"]
        if before is None or len(found) >= limit:
            return {"decisions": found, "next": before}


def _row(each: dict[str, Any]) -> tuple[object, ...]:
    return (
        clock(each["at_s"]),
        "allowed" if each["allowed"] else "refused",
        each["verb"],
        each["principal"],
        each["target"] or "-",
        each["level"] or "-",
        each["rule"],
        each["reason"],
        each["id"],
    )
