"""The digest of each file that a project is made of: what a saved plan and compiled state hang on."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

PLACES = ("inventory.yaml", "playbooks", "policies", "schemas/messages", "group_vars", "host_vars")


def file_digests(project: Path) -> dict[str, str]:
    """Return the SHA-256 of every file in the places that are read, by its path in the project.

    Raises OSError for a file that can't be read.
    """
    return {file: digest_of(project / file) for file in sorted(files_of(project))}


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, "" when it isn't there. Raises OSError."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""


def is_usual(file: str) -> bool:
    """Whether a file of the project stands in one of the places that are always read."""
    return any(file == place or file.startswith(f"{place}/") for place in PLACES)


def files_of(project: Path) -> Iterator[str]:
    """Yield every file in the places that are read, by its path in the project."""
    for place in PLACES:
        at = project / place
        if at.is_file():
            yield place
        seen: set[Path] = set()  # a link to a folder above would lead round for ever
        for folder, below, names in os.walk(at, followlinks=True):
            below[:] = _unseen(Path(folder), below, seen)
            inside = Path(folder).relative_to(project)
            yield from (str(inside / name) for name in names if (Path(folder) / name).is_file())


def _unseen(folder: Path, names: list[str], seen: set[Path]) -> list[str]:
    found = []
    for name in names:
        real = (folder / name).resolve()
        if real not in seen:
            seen.add(real)
            found.append(name)
    return found
