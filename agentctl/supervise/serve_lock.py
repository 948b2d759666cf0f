"""One `serve` per state directory: a lock that the kernel frees with its process."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentctl.errors import Conflict


@contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the lock while the block runs. Raises Conflict at once when another `serve` has it."""
    handle = os.open(state / "serve.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise Conflict(
                f"`agentctl serve` (pid {holder}) runs on {state} already",
                hint="stop it first, or choose another --state",
            ) from cause
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)
