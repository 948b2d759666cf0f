"""A process's log file: bounded, the one before it kept, changed by the process that writes it."""

import contextlib
import os
from pathlib import Path

LOG_BYTES_MAX = 16 * 1024 * 1024  # a day of a busy fleet; with the one before it twice that
STDOUT, STDERR = 1, 2


def set_aside(path: Path) -> None:
    """Keep a log under the name of the one before it. Raises OSError."""
    path.replace(path.with_suffix(".log.1"))


class OwnLog:
    """The file that this process's standard error goes to, if it is `path`; begun anew when it is large.

    The process does it itself: whoever renames or cuts the file from outside loses lines, or
    has the process write into the old one. What children still write goes to the old one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def bound(self) -> None:
        """Begin the file anew if it is over its bound. That it can't be is no reason to fail."""
        with contextlib.suppress(OSError):
            written = os.fstat(STDERR)
            if written.st_size <= LOG_BYTES_MAX:
                return
            named = self._path.stat()
            if (written.st_dev, written.st_ino) == (named.st_dev, named.st_ino):
                set_aside(self._path)
                self._begin()

    def _begin(self) -> None:
        new = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            for number in (STDOUT, STDERR):
                os.dup2(new, number)
        finally:
            os.close(new)
