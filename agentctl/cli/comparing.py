"""Two states of a project's files compared, with no engine and no hub: what CI says of a pull request."""

from pathlib import Path

from agentctl.cli.proposal import Where, load_wanted
from agentctl.cli.reviewing import wider
from agentctl.cli.selecting import Chosen
from agentctl.config import load
from agentctl.model.fleet import DesiredState
from agentctl.reconcile import Review, declarations


def compared(
    project: Path, before: Path, rev: str, chosen: Chosen, *, lines: bool = False
) -> tuple[Review, Where]:
    """Return what the files declare otherwise than `before` does, and what then reaches wider.

    Raises ConfigError when the files have errors; a revision with errors is said, and compared as none.
    """
    wanted = load_wanted(project, chosen, lines=lines)
    after = wanted.desired
    old, note = _before(before, rev, chosen)
    found = declarations(old, after)
    review = Review(
        plan=None,
        declarations=found,
        reach=wider(old, after),
        notes=(note,) if note else (),
        partial=str(chosen),
        closing=() if found else (f"Nothing is declared otherwise than in {rev}.",),
    )
    return review, wanted.where


def _before(project: Path, rev: str, chosen: Chosen) -> tuple[DesiredState | None, str]:
    if not (project / "inventory.yaml").is_file():
        return None, f"{rev} has no such project: everything is new"
    loaded = load(
        project,
        extra_vars=chosen.extra_vars,
        limit=chosen.limit,
        tags=chosen.tags,
        skip_tags=chosen.skip_tags,
    )
    if loaded.desired is None:
        errors = len(loaded.errors)
        said = f"the files of {rev} have {errors} error{'s' if errors > 1 else ''}"
        return None, f"{said}, the first: {loaded.errors[0]}; everything is shown as new"
    return loaded.desired, ""
