"""`agentctl schema`: the JSON Schemas that editors and `validate` check documents against."""

import click

from agentctl.cli import Settings
from agentctl.cli.output import emit, table
from agentctl.errors import EXIT_OK, NotFound


@click.command()
@click.argument("name", required=False)
@click.pass_obj
def schema(settings: Settings, name: str | None) -> int:
    """Print the JSON Schema of a document kind; without a name, list the kinds."""
    from agentctl.config.finding import did_you_mean
    from agentctl.config.kinds import KINDS
    from agentctl.config.kinds import schema as schema_of

    if name is None:
        rows = [(each.name, each.place) for each in KINDS]
        if settings.output == "json":
            emit({"schemas": [{"name": kind, "place": place} for kind, place in rows]})
        else:
            table(("name", "file"), rows)
        return EXIT_OK
    names = [each.name for each in KINDS]
    if name not in names:
        hint = did_you_mean(name, names) or f"the kinds are {', '.join(names)}"
        raise NotFound(f"there is no document kind {name!r}", hint=hint)
    emit(schema_of(name))
    return EXIT_OK
