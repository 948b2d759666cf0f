"""The files that a task leaves in its workspace's `artifacts/`: emptied before it, listed after it.

The agent wrote them and may have prepared them to mislead whoever reads: every
directory is entered and every file opened without following links, from a
handle on the one above it.
"""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from agentd import log

DIRECTORY = "artifacts"
FILES_MAX = 64  # the hub's own bounds (agentctl/model/artifact.py); what is beyond them is left out
FILE_BYTES_MAX = 32 * 1024 * 1024
BYTES_MAX = 64 * 1024 * 1024
NAME_CHARS_MAX = 200
NAME_PART_CHARS_MAX = 128
DEPTH_MAX = 8
LOOKED_AT_MAX = 5000  # entries; a million empty files must not hold up the result
NOTE_CHARS_MAX = 500
_SAID_MAX = 5  # of what was left out, each with its reason

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file as it was when it was read: its path below `artifacts/`, with `/`."""

    name: str
    size: int
    sha256: str


@dataclass(slots=True)
class Collected:
    """What there is, and what was left out with why."""

    files: list[Found] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    looked_at: int = 0

    def note(self) -> str:
        """Return what was left out in a few words, "" when nothing was."""
        more = len(self.left_out) - _SAID_MAX
        said = [*self.left_out[:_SAID_MAX], *([f"and {more} more"] if more > 0 else [])]
        return "; ".join(said)[:NOTE_CHARS_MAX]


class _Refused(Exception):
    """A file that isn't taken."""


def empty(workspace: Path) -> None:
    """Make `artifacts/` an empty directory: what a task finds there would count as its own."""
    folder = workspace / DIRECTORY
    try:
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        for each in _names(folder):
            _remove(folder / each)
        folder.mkdir(exist_ok=True)
    except OSError as cause:
        log.warning("artifacts.not_emptied", why=cause.strerror or "")


def collect(workspace: Path) -> Collected:
    """List the files with their digests; what can't be taken stands in `left_out`. Never raises OSError."""
    collected = Collected()
    try:
        root = os.open(workspace / DIRECTORY, _FOLDER)
    except FileNotFoundError:
        return collected
    except OSError as cause:
        collected.left_out.append(f"artifacts/: {_why(cause)}")
        return collected
    try:
        _take_all(root, collected)
    finally:
        os.close(root)
    return collected


def opened(workspace: Path, name: str) -> BinaryIO:
    """Open a file below `artifacts/` without following any link; raises OSError."""
    *folders, last = name.split("/")
    at = os.open(workspace / DIRECTORY, _FOLDER)
    try:
        for each in folders:
            below = os.open(each, _FOLDER, dir_fd=at)
            os.close(at)
            at = below
        return os.fdopen(os.open(last, _FILE, dir_fd=at), "rb")
    finally:
        os.close(at)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names alone
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)  # it follows no link, and is safe against one put there meanwhile
    else:
        path.unlink(missing_ok=True)


def _take_all(root: int, collected: Collected) -> None:
    total = 0
    for name, folder, last in _walk(root, "", 1, collected):
        try:
            if len(collected.files) >= FILES_MAX:
                raise _Refused(f"more than {FILES_MAX} files")
            found = _digested(name, folder, last, room=BYTES_MAX - total)
        except (_Refused, OSError) as cause:
            why = _why(cause) if isinstance(cause, OSError) else str(cause)
            collected.left_out.append(f"{_printable(name)}: {why}")
            continue
        total += found.size
        collected.files.append(found)


def _walk(
    folder: int, prefix: str, depth: int, collected: Collected
) -> Iterator[tuple[str, int, str]]:
    """Yield (path, handle of its directory, name) of what isn't a directory, in the order of names."""
    for name in sorted(os.listdir(folder)):
        path = f"{prefix}{name}"
        collected.looked_at += 1
        if collected.looked_at > LOOKED_AT_MAX:
            if collected.looked_at == LOOKED_AT_MAX + 1:
                collected.left_out.append(f"all past the first {LOOKED_AT_MAX} entries")
            return
        try:
            below = os.open(name, _FOLDER, dir_fd=folder)
        except OSError as cause:
            if cause.errno in (errno.ENOTDIR, errno.ELOOP):
                yield path, folder, name
            else:
                collected.left_out.append(f"{_printable(path)}: {_why(cause)}")
            continue
        try:
            if depth >= DEPTH_MAX:
                collected.left_out.append(f"{_printable(path)}: deeper than {DEPTH_MAX}")
            else:
                yield from _walk(below, f"{path}/", depth + 1, collected)
        finally:
            os.close(below)


def _digested(name: str, folder: int, last: str, *, room: int) -> Found:
    _check_name(name)
    with os.fdopen(os.open(last, _FILE, dir_fd=folder), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _Refused("not a regular file")
        if status.st_size > FILE_BYTES_MAX:
            raise _Refused(f"over {FILE_BYTES_MAX} bytes")
        if status.st_size > room:
            raise _Refused(f"over {BYTES_MAX} bytes with those before it")
        digest, size = hashlib.sha256(), 0
        while size <= status.st_size and (part := file.read(1024 * 1024)):
            digest.update(part)
            size += len(part)
    if size != status.st_size:
        raise _Refused("it changed while it was read")
    return Found(name=name, size=size, sha256=digest.hexdigest())


def _check_name(name: str) -> None:
    if len(name) > NAME_CHARS_MAX or max(map(len, name.split("/"))) > NAME_PART_CHARS_MAX:
        raise _Refused("its name is too long")
    if not all(_plain(each) for each in name):
        raise _Refused("its name isn't plain text")


def _plain(char: str) -> bool:
    code = ord(char)
    return code >= 0x20 and not 0x7F <= code <= 0x9F and not 0xD800 <= code <= 0xDFFF


def _printable(name: str) -> str:
    return "".join(each if _plain(each) else "?" for each in name)[:NAME_CHARS_MAX]


def _why(cause: OSError) -> str:
    if cause.errno == errno.ELOOP:
        return "a symbolic link"
    return (cause.strerror or "can't be read").lower()
