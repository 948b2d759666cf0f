"""The project's files handed to the hub as they are now: what `follow` does at each change."""

from dataclasses import dataclass

from agentctl.cli import Settings
from agentctl.cli.apply import commit_generation
from agentctl.cli.proposal import ALL, ask, loaded, wanted_of
from agentctl.errors import Conflict


@dataclass(slots=True)
class FilesRead:
    """What the last load read outside the usual places, or wanted to."""

    others: tuple[str, ...] = ()


def apply_files(settings: Settings, read: FilesRead) -> str:
    """Apply the files; return a line that says what happened. Notes in `read` which others there are.

    Raises ConfigError (broken files), Unavailable (the hub is away), or what the hub refuses.
    """
    found = loaded(settings.project, ALL)
    read.others = found.others
    desired = wanted_of(found, settings.project, ALL).desired
    try:
        number, new = commit_generation(settings, desired, ask(settings), prune=False)
    except Conflict:  # somebody applied between our question and our answer: look once more
        number, new = commit_generation(settings, desired, ask(settings), prune=False)
    return f"applied generation {number}" if new else f"generation {number} is as the files say"
