"""`agentctl plan`: what apply would change, and why. It changes nothing and can't."""

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit
from agentctl.cli.proposal import Proposal, load_valid, propose
from agentctl.errors import EXIT_OK, AgentctlError
from agentctl.reconcile import as_json, as_text

EXIT_CHANGES = 2  # under --detailed-exitcode alone; Terraform's convention


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
@click.option("--detailed-exitcode", is_flag=True, help="Exit 0: no changes, 1: error, 2: changes.")
@click.pass_obj
def plan(settings: Settings, prune: bool, detailed_exitcode: bool) -> int:
    """Show what apply would change; changes nothing.

    Compares the project's files with the generation that the hub has applied and with
    what runs on the engines. Without the hub, containers are compared by their spec hashes.
    """
    try:
        proposal = propose(settings, load_valid(settings.project), prune=prune, hub_required=False)
    except AgentctlError as why:
        if detailed_exitcode:
            raise AgentctlError(str(why)) from why
        raise
    if settings.output == "json":
        emit(document(proposal))
    else:
        click.echo(text(proposal))
    return EXIT_CHANGES if detailed_exitcode and proposal.changed else EXIT_OK


def document(proposal: Proposal) -> dict[str, object]:
    """Return the plan's JSON with what it was compared to; generation is None when the hub is away."""
    current = proposal.current
    return {
        **as_json(proposal.plan),
        "changed": proposal.changed,
        "generation": None if current is None else current.number,
        "settings": list(proposal.settings_changed),
    }


def text(proposal: Proposal) -> str:
    """Return the plan for a person, with what else applying would change."""
    shown = as_text(proposal.plan)
    current = proposal.current
    if current is not None and current.number == 0:
        return f"{shown}\nNothing is applied yet: this is the first generation."
    if proposal.settings_changed:
        return f"{shown}\nDeclarations that change: {', '.join(proposal.settings_changed)}."
    return shown if proposal.changed else f"{shown}\nNo changes."
