"""Artifacts on disk: `<root>/<task>/<attempt>/<sha256>`, each whole and verified, or not there.

A file comes in parts (`.part` beside its place), is put out of reach and hashed when it has its size,
synced, and only then gets its name. Source: docs/decisions/0014-artifacts.md.
"""

import hashlib
import os
import re
import shutil
import threading
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from agentctl.errors import Conflict, InputError, TooLarge, Unavailable
from agentctl.model.artifact import ARTIFACT_BYTES_MAX, ARTIFACTS_BYTES_MAX, ARTIFACTS_MAX

FREE_BYTES_MIN = 512 * 1024 * 1024  # left to the store on the same disk: results come before files
RETRY_S = 5.0
_TASK = re.compile(r"task-[0-9a-z]{26}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PART = ".part"
_WHOLE = ".whole-"  # has its size and is being hashed, by the thread of that number


class Shelf:
    """The artifacts of one installation. Any thread may call; nothing is made before the first file."""

    def __init__(self, root: Path, *, free_bytes_min: int = FREE_BYTES_MIN) -> None:
        self._root = root
        self._free_bytes_min = free_bytes_min
        self._lock = threading.Lock()  # over counting what a task has and writing one more part

    def put(
        self, task: str, attempt: int, sha256: str, *, size: int, offset: int, part: bytes
    ) -> bool:
        """Write one part of a file of `size` bytes; return whether the file is whole now.

        Parts come in order, and may come again. Raises TooLarge (a file, the task's files, or the
        disk has no room), Conflict (a part is missing before this one), InputError (it isn't the
        file that its digest names; what there was is removed), Unavailable (the disk failed).
        """
        place = self._place(task, attempt, sha256)
        _check_size(size, offset, len(part))
        try:
            if place.exists():
                return True
            draft = place.with_name(place.name + _PART)
            with self._lock:
                self._prepare(place.parent)
                self._check_room(place.parent, draft, size)
                if _write(draft, offset, part) != size:
                    return False
                whole = place.with_name(f"{place.name}{_WHOLE}{threading.get_ident()}")
                draft.replace(whole)  # nobody can write to it any more: who writes does it in here
            _finish(whole, place)
            return True
        except OSError as cause:
            raise Unavailable(
                f"the artifact can't be kept: {cause.strerror}", retry_after_s=RETRY_S
            ) from cause

    def holds(self, task: str, attempt: int, sha256: str, size: int) -> bool:
        """Whether that file is here, whole."""
        with suppress(OSError):
            return self._place(task, attempt, sha256).stat().st_size == size
        return False

    def path(self, task: str, attempt: int, sha256: str) -> Path:
        """Return where a file stands, if it is there."""
        return self._place(task, attempt, sha256)

    def has(self, task: str) -> bool:
        """Whether anything was ever put here for a task, and not all of it is removed."""
        return os.path.isdir(self._folder(task))  # noqa: PTH112 a Path's is_dir costs four of it

    def keep_only(self, task: str, attempt: int, digests: Collection[str]) -> None:
        """Remove what a task's result doesn't name, up to that attempt: the next one may begin already."""
        folder = self._folder(task)
        for each in _entries(folder):
            earlier = int(each.name) < attempt
            if earlier or (each.name == str(attempt) and not digests):
                shutil.rmtree(each, ignore_errors=True)
        for each in _entries(folder / str(attempt)):
            if each.name not in digests:
                each.unlink(missing_ok=True)
        with suppress(OSError):
            folder.rmdir()  # it is empty when nothing is named

    def forget(self, task: str) -> None:
        """Remove all of a task's files."""
        if _TASK.fullmatch(task):
            shutil.rmtree(self._folder(task), ignore_errors=True)

    def tasks(self) -> Iterator[str]:
        """Yield the ids of the tasks that have a folder here."""
        return (each.name for each in _entries(self._root) if _TASK.fullmatch(each.name))

    def _folder(self, task: str) -> Path:
        assert _TASK.fullmatch(task), "ids are checked where they come in"
        return self._root / task

    def _place(self, task: str, attempt: int, sha256: str) -> Path:
        assert _DIGEST.fullmatch(sha256), "digests are checked where they come in"
        return self._folder(task) / str(attempt) / sha256

    def _prepare(self, folder: Path) -> None:
        """Make an attempt's folder; what earlier attempts left is of no use from then on."""
        if folder.is_dir():
            return
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        for each in _entries(folder.parent):
            shutil.rmtree(each, ignore_errors=True)
        folder.mkdir(mode=0o700)

    def _check_room(self, folder: Path, draft: Path, size: int) -> None:
        others = [each.stat().st_size for each in _entries(folder) if each != draft]
        if len(others) >= ARTIFACTS_MAX:
            raise TooLarge(f"a task has at most {ARTIFACTS_MAX} artifacts")
        if sum(others) + size > ARTIFACTS_BYTES_MAX:
            raise TooLarge(f"a task's artifacts have at most {ARTIFACTS_BYTES_MAX} bytes together")
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize - size < self._free_bytes_min:
            raise TooLarge("the hub's disk has no room for artifacts")


def _check_size(size: int, offset: int, part: int) -> None:
    if size > ARTIFACT_BYTES_MAX:
        raise TooLarge(f"an artifact has at most {ARTIFACT_BYTES_MAX} bytes, this one {size}")
    if offset + part > size:
        raise InputError(f"the part goes past the {size} bytes of the file")


def _write(draft: Path, offset: int, part: bytes) -> int:
    """Write a part at its offset; return how many bytes there are then."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
        there = os.fstat(file.fileno()).st_size
        if offset > there:
            raise Conflict(f"the part begins at {offset}, there are {there} bytes before it")
        file.seek(offset)
        file.write(part)
        return max(there, offset + len(part))


def _finish(whole: Path, place: Path) -> None:
    """Give a file its name, when it is what the name says; raises InputError when it isn't."""
    try:
        with whole.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != place.name:
                raise InputError("the content doesn't have the digest that it was sent under")
            os.fsync(file.fileno())
        whole.replace(place)
        _sync(place.parent)
    finally:
        whole.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make names durable: of the file in its folder, and of the folders in theirs."""
    for each in (folder, folder.parent, folder.parent.parent):
        fd = os.open(each, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
