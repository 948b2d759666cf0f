"""Write files that agents named below one directory: nothing else is touched, nothing overwritten."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agentctl.errors import AgentctlError, Conflict
from agentctl.model.artifact import Artifact, is_name

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def check_free(folder: Path, names: list[str]) -> None:
    """Raise Conflict when one of the files is there already: then none is written."""
    taken = [name for name in names if os.path.lexists(folder / name)]
    if taken:
        raise Conflict(
            f"{folder / taken[0]} is there already; nothing was written",
            hint="choose another directory",
        )


def save(folder: Path, artifact: Artifact, content: bytes) -> None:
    """Write one file below `folder`, following no link.

    Raises AgentctlError for a name that leads elsewhere or content that isn't the artifact's,
    Conflict when the file is there already or a link stands in its way.
    """
    if not is_name(artifact.name):
        raise AgentctlError(f"the artifact's name {artifact.name!r} is none")
    if hashlib.sha256(content).hexdigest() != artifact.sha256:
        raise AgentctlError(f"{artifact.name} arrived with another digest than its task has")
    *folders, last = artifact.name.split("/")
    try:
        with (
            _entered(folder, folders) as at,
            os.fdopen(os.open(last, _NEW, 0o644, dir_fd=at), "wb") as file,
        ):
            file.write(content)
    except FileExistsError as cause:
        raise Conflict(f"{folder / artifact.name} is there already") from cause
    except OSError as cause:
        raise AgentctlError(
            f"{folder / artifact.name} can't be written: {cause.strerror}"
        ) from cause


@contextmanager
def _entered(folder: Path, below: list[str]) -> Iterator[int]:
    """Yield a handle of a directory below `folder`, each made on the way where it isn't there."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for each in below:
            with suppress(FileExistsError):
                os.mkdir(each, dir_fd=at)
            deeper = os.open(each, _FOLDER, dir_fd=at)
            os.close(at)
            at = deeper
        yield at
    finally:
        os.close(at)
