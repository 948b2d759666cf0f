"""The ballast: a file that holds room on the state directory's disk, given up when the store finds none.

It is what lets the journal go on, and leases be settled, on a disk that others have filled.
Source: docs/decisions/0010-journal-and-state.md.
"""

import contextlib
import os
from pathlib import Path

BYTES = 8 << 20  # some ten thousand commits; and a hundredth of what it costs to find out why
SHARE = 4  # on a small disk: at most one part in so many of what is free
BYTES_MIN = 64 << 10  # less isn't worth a file
FREE_MIN = 512 << 10  # a disk with less counts as full: a commit of a large body needs as much
FILE = "ballast"


class Ballast:
    """The file in a state directory. No method raises: whoever holds a full disk has worse to do."""

    def __init__(self, state: Path) -> None:
        self.path = state / FILE
        self._given_up_bytes = 0

    def held(self) -> bool:
        """Whether the room is held."""
        return self.path.exists()

    def free_bytes(self) -> int:
        """Return what is free on the disk for this account; 0 when it can't be told."""
        try:
            found = os.statvfs(self.path.parent)
        except OSError:
            return 0
        return found.f_bavail * found.f_frsize

    def give_up(self) -> bool:
        """Delete the file; return whether there was one."""
        try:
            self._given_up_bytes = self.path.stat().st_size
            self.path.unlink()
        except OSError:
            return False
        return True

    def hold(self) -> bool:
        """Make the file where the disk has room for it and more; return whether it stands.

        What was given up is held again in full or not at all, with as much left free: a
        disk that has just its room back is as full as before.
        """
        if self.held():
            return True
        free = self.free_bytes()
        size = self._given_up_bytes or min(BYTES, free // SHARE)
        if size < BYTES_MIN or free - size < max(size if self._given_up_bytes else 0, FREE_MIN):
            return False
        return self._make(size)

    def _make(self, size: int) -> bool:
        draft = self.path.with_suffix(".new")
        try:
            with draft.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
            return False
        return True

    def make_way(self) -> bool:
        """Give the room up when the disk is full, before the store is opened; return whether it was full."""
        full = self.free_bytes() < FREE_MIN
        if full:
            self.give_up()
        return full
