"""`agentctl validate`: every finding in the project's files, each with its place and a way out."""

import click

from agentctl.cli import Settings
from agentctl.cli.selecting import Chosen, selection_options
from agentctl.errors import EXIT_ERROR, EXIT_OK


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default=None,
    help="How to print findings; github and sarif are for CI.",
)
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@selection_options
@click.pass_obj
def validate(
    settings: Settings,
    form: str | None,
    strict: bool,
    chosen: Chosen,
) -> int:
    """Check the project's files; list every finding. Ends with 1 when any is an error."""
    from agentctl.cli.spots import prefix_of
    from agentctl.config import load, report

    loaded = load(
        settings.project,
        extra_vars=chosen.extra_vars,
        limit=chosen.limit,
        tags=chosen.tags,
        skip_tags=chosen.skip_tags,
    )
    form = form or settings.output
    said = report.FORMATS[form](loaded.findings, loaded.sources, prefix_of(settings.project))
    if said:
        click.echo(said)
    bad = loaded.findings if strict else loaded.errors
    return EXIT_ERROR if bad else EXIT_OK
