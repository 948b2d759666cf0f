"""`agentctl plan`: what apply would change, and why. It changes nothing and can't."""

import json
from pathlib import Path
from typing import Any

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit
from agentctl.cli.proposal import Proposal, Where, load_wanted, propose
from agentctl.cli.selecting import Chosen, selection_options
from agentctl.errors import EXIT_OK, AgentctlError, UsageError
from agentctl.reconcile.review import Review, review_document, review_events, review_text

EXIT_CHANGES = 2  # under --detailed-exitcode alone; Terraform's convention
FORMS = ("text", "json", "markdown", "github")


class _DetailedCommand(click.Command):
    """Under --detailed-exitcode 2 means changes, so a usage error must not end with 2."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        detailed = "--detailed-exitcode" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as why:
            if detailed:
                raise AgentctlError(why.format_message()) from why
            raise


@click.command(cls=_DetailedCommand)
@click.option("--prune", is_flag=True, help="Also plan the removal of what is no longer declared.")
@click.option(
    "--against",
    "rev",
    default=None,
    metavar="REV",
    help="Compare the files with a git revision; needs neither hub nor engine.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save the plan (mode 0600) for `agentctl apply FILE`.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    default=None,
    help="markdown is for a pull request's comment, github for its annotations.",
)
@click.option("--json", "events", is_flag=True, help="One JSON event a line.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 0: no changes, 1: error, 2: changes.")
@selection_options
@click.pass_obj
def plan(
    settings: Settings,
    prune: bool,
    rev: str | None,
    out: Path | None,
    form: str | None,
    events: bool,
    detailed_exitcode: bool,
    chosen: Chosen,
) -> int:
    """Show what apply would change; changes nothing.

    Compares the project's files with the generation that the hub has applied and with
    what runs on the engines. Without the hub, containers are compared by their spec hashes.
    With --against REV the files are compared with those of a git revision.
    """
    try:
        require_plannable(chosen, prune=prune)
        if rev is not None:
            if not rev:
                raise UsageError(
                    "--against got an empty revision",
                    hint="is a variable of the pipeline unset? name the branch, tag or commit",
                )
            if out is not None or prune:
                raise UsageError("--against compares files alone: no --out, no --prune")
            review, where = _against(settings, rev, chosen, lines=form == "github")
            changed, extra = bool(review.declarations), {"against": rev}
        else:
            proposal = _proposal(settings, chosen, prune=prune, out=out, lines=form == "github")
            review, where, changed = proposal.review, proposal.where, proposal.changed
            extra = extra_fields(proposal)
    except AgentctlError as why:
        if detailed_exitcode:
            raise AgentctlError(str(why)) from why
        raise
    show(review, "events" if events else form or settings.output, extra, where)
    return EXIT_CHANGES if detailed_exitcode and changed else EXIT_OK


def require_plannable(chosen: Chosen, *, prune: bool) -> None:
    """Raise UsageError for --prune over a part: what is outside of it must not be removed."""
    if prune and str(chosen):
        raise UsageError(
            f"{chosen} selects a part of the fleet, and --prune removes what isn't declared",
            hint="prune with the whole fleet",
        )


def _proposal(
    settings: Settings, chosen: Chosen, *, prune: bool, out: Path | None, lines: bool
) -> Proposal:
    wanted = load_wanted(settings.project, chosen, lines=lines)
    proposal = propose(settings, wanted, prune=prune, hub_required=out is not None)
    if out is not None:
        from agentctl.cli import saved_plan

        saved_plan.write(saved_plan.saved(proposal, settings.project, chosen, prune=prune), out)
        click.echo(f"saved to {out}; `agentctl apply {out}` applies exactly this", err=True)
    return proposal


def _against(settings: Settings, rev: str, chosen: Chosen, *, lines: bool) -> tuple[Review, Where]:
    from agentctl.cli.against import revision
    from agentctl.cli.comparing import compared

    with revision(settings.project, rev) as before:
        return compared(settings.project, before, rev, chosen, lines=lines)


def extra_fields(proposal: Proposal) -> dict[str, Any]:
    """Return what JSON says beside the plan; generation is None when the hub is away."""
    current = proposal.current
    return {
        "changed": proposal.changed,
        "generation": None if current is None else current.number,
    }


def show(review: Review, form: str, extra: dict[str, Any], where: Where) -> None:
    """Print a review on stdout."""
    if form == "text":
        click.echo(review_text(review))
    elif form == "json":
        emit({**review_document(review), **extra})
    elif form == "events":
        for each in review_events(review):
            tail = extra if each["type"] == "summary" else {}
            click.echo(json.dumps({**each, **tail}, ensure_ascii=False))
    else:
        from agentctl.reconcile import forges

        click.echo(
            forges.markdown(review) if form == "markdown" else forges.annotations(review, where)
        )
