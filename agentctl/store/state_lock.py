"""One hub per state directory: an advisory lock that the kernel frees with the process, however it ends."""

import contextlib
import fcntl
import os
from pathlib import Path

from agentctl.errors import Conflict

LOCK_FILE = "hub.lock"


class StateLock:
    """Holds the lock of a store's directory from construction to `release`."""

    def __init__(self, directory: Path) -> None:
        """Take the lock; raises Conflict at once when another process has it."""
        self._file = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise Conflict(
                f"another hub (pid {holder}) has the state in {directory} open",
                hint="stop it first, or choose another --state",
            ) from cause
        with contextlib.suppress(OSError):  # the pid is for words alone: a full disk says so later
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)  # frees the lock; the file stays, so that no two locks can exist
