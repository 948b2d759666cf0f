"""`agentctl validate`: every finding in the project's files, each with its place and a way out."""

import click

from agentctl.cli import Settings
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
@click.option(
    "-e",
    "--extra-vars",
    multiple=True,
    metavar="K=V",
    help="A variable that wins over all others: k=v, a JSON object, or @file.",
)
@click.option("--limit", default="", metavar="PATTERN", help="Only the hosts that this selects.")
@click.option("--tags", default="", metavar="TAG,…", help="Only agents with one of these tags.")
@click.option("--skip-tags", default="", metavar="TAG,…", help="No agents with these tags.")
@click.pass_obj
def validate(
    settings: Settings,
    form: str | None,
    strict: bool,
    extra_vars: tuple[str, ...],
    limit: str,
    tags: str,
    skip_tags: str,
) -> int:
    """Check the project's files; list every finding. Ends with 1 when any is an error."""
    from agentctl.config import load, report

    loaded = load(
        settings.project,
        extra_vars=extra_vars,
        limit=limit,
        tags=words(tags),
        skip_tags=words(skip_tags),
    )
    form = form or settings.output
    said = report.FORMATS[form](loaded.findings, loaded.sources)
    if said:
        click.echo(said)
    bad = loaded.findings if strict else loaded.errors
    return EXIT_ERROR if bad else EXIT_OK


def words(text: str) -> tuple[str, ...]:
    """Return the words of a comma-separated option."""
    return tuple(each.strip() for each in text.split(",") if each.strip())
