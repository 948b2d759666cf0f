"""The git commit that a project's files came from."""

import subprocess
from pathlib import Path

GIT_S = 10.0


def commit_of(project: Path) -> str:
    """Return the commit of the project's directory, "+" behind it when the tree differs; "" without git."""
    commit = _git(project, "rev-parse", "HEAD")
    if not commit:
        return ""
    return f"{commit}+" if _git(project, "status", "--porcelain", "--", ".") else commit


def _git(project: Path, *words: str) -> str:
    try:
        # --no-optional-locks: status would refresh the index, and reading must not write
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(project), *words],
            capture_output=True,
            text=True,
            timeout=GIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
