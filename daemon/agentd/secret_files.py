"""The agent's secrets as files: in a directory of their own (a tmpfs in a container), mode 0400."""

import os
from collections.abc import Mapping
from pathlib import Path

_FILE_MODE = 0o400
_DIRECTORY_MODE = 0o700


def place(secrets: Mapping[str, bytes], directory: Path) -> None:
    """Write each secret into `directory`, made when missing. Names are checked at boot.

    OSError when the directory can't be written: an agent without its secrets must not start.
    """
    if not secrets:
        return
    directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    for name, value in secrets.items():
        _place_one(directory / name, value)


def _place_one(path: Path, value: bytes) -> None:
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, _FILE_MODE)
    with os.fdopen(fd, "wb") as file:
        os.fchmod(fd, _FILE_MODE)  # the umask may have taken away what we asked for
        file.write(value)
