"""`agentctl init`: a commented sample project that validates, with CI and a pre-commit hook."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from agentctl import resources
from agentctl.cli import Settings
from agentctl.cli.output import emit
from agentctl.config.kinds import KINDS
from agentctl.errors import EXIT_OK, ConfigError, Conflict

SAMPLE = (
    "inventory.yaml",
    "playbooks/fleet.yaml",
    "policies/providers.yaml",
    "policies/routing.yaml",
    "policies/access.yaml",
    "policies/monitoring.yaml",
    "policies/opa/agentctl.rego",
    "policies/opa/agentctl_test.rego",
    "policies/opa/cases_test.rego",
    "policies/tests/access.yaml",
    "schemas/messages/finding.yaml",
)
STARTER = {
    ".github/workflows/fleet.yml": "github.yml",
    ".gitlab-ci.yml": "gitlab.yml",
    ".pre-commit-config.yaml": "pre-commit.yaml",
}


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def init(settings: Settings, directory: Path) -> int:
    """Write a commented sample project that validates. Overwrites nothing."""
    files = list(_files())
    taken = [name for name, _ in files if os.path.lexists(directory / name)]
    if taken:
        raise Conflict(
            f"{directory / taken[0]} is already there; nothing was written",
            hint="choose an empty directory",
        )
    try:
        for name, content in files:
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:  # x: whatever appeared meanwhile is kept
                file.write(content)
    except OSError as why:
        raise ConfigError(
            f"{why.filename or directory} can't be written: {why.strerror}",
            hint="choose a directory that you may write to",
        ) from why
    written = [name for name, _ in files]
    if settings.output == "json":
        emit({"directory": str(directory), "files": written})
    else:
        click.echo("\n".join(f"wrote {directory / name}" for name in written))
        click.echo(f"Next: agentctl validate --project {directory}")
    return EXIT_OK


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield each file's path in the project and its content; schemas too, for editors."""
    for name in SAMPLE:
        yield name, (resources.root() / name).read_bytes()
    for kind in KINDS:
        path = resources.schema_path(kind.name)
        yield f"schemas/{path.name}", path.read_bytes()
    for name, template in STARTER.items():
        yield name, (Path(__file__).parent / "starter" / template).read_bytes()
