"""YAML to DesiredState: read, shape, render, values, references, compile; each a function of values.

Importing this package costs nothing: the hub needs `config.references` alone, without a YAML
parser or a template engine. `load` brings in the rest when it is called.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agentctl.config.loaded import Loaded

__all__ = ["load"]


def load(
    project: Path,
    *,
    extra_vars: Sequence[str] = (),
    limit: str = "",
    tags: Sequence[str] = (),
    skip_tags: Sequence[str] = (),
) -> "Loaded":
    """Read a project's files; return the fleet they declare, or every finding that stands against it.

    `extra_vars` are as given to `-e`: `k=v`, a JSON object, or `@file`. `limit` is a host
    pattern, `tags` and `skip_tags` select agents; with any of them the fleet is partial.
    Raises ConfigError when `project` is no directory; all that is wrong inside it is a finding.
    """
    from agentctl.config.project import load_project

    return load_project(
        project, extra_vars=extra_vars, limit=limit, tags=tuple(tags), skip_tags=tuple(skip_tags)
    )
