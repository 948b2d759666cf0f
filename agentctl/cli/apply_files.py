"""The project's files handed to the hub as they are now: what `follow` does at each change."""

from agentctl.cli import Settings
from agentctl.cli.apply import commit_generation
from agentctl.cli.proposal import ask, load_valid
from agentctl.errors import Conflict


def apply_files(settings: Settings) -> str:
    """Apply the files; return a line that says what happened.

    Raises ConfigError (broken files), Unavailable (the hub is away), or what the hub refuses.
    """
    desired = load_valid(settings.project)
    try:
        number, new = commit_generation(settings, desired, ask(settings), prune=False)
    except Conflict:  # somebody applied between our question and our answer: look once more
        number, new = commit_generation(settings, desired, ask(settings), prune=False)
    return f"applied generation {number}" if new else f"generation {number} is as the files say"
