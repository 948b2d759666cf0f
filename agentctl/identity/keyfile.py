"""A secret in a file that its owner alone may read: made once, whole or not at all."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentctl.errors import ConfigError, StateDamaged

KEY_BYTES_MAX = 16 * 1024  # a P-256 key in PEM is 241 bytes; more isn't a key of ours
MODE = 0o600


def create(path: Path, content: bytes) -> None:
    """Write a key file unless it exists; a crash leaves either no file or the whole one.

    Two processes that start at once agree on the file of the first: `link` never replaces.
    """
    with _draft(path, content) as draft:
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    _sync_directory(path.parent)


def replace(path: Path, content: bytes) -> None:
    """Write a key file anew; a crash leaves the one before or this one, whole."""
    with _draft(path, content) as draft:
        draft.replace(path)
    _sync_directory(path.parent)


def rename(path: Path, to: Path) -> None:
    """Give a key file another name, durably."""
    path.replace(to)
    _sync_directory(path.parent)


@contextmanager
def _draft(path: Path, content: bytes) -> Iterator[Path]:
    """Write the content beside `path` under a name that no key has, gone when the block ends."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def read(path: Path) -> bytes:
    """Return a key file's content.

    Raises FileNotFoundError; ConfigError when others may read it or it is another account's;
    StateDamaged when it is no regular file of a key's size.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as cause:
        raise ConfigError(f"cannot read the key {path}: {cause.strerror}") from cause
    with os.fdopen(descriptor, "rb") as file:
        _refuse_exposed(path, os.fstat(file.fileno()))
        return file.read()


def _refuse_exposed(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode) or not 0 < found.st_size <= KEY_BYTES_MAX:
        raise StateDamaged(f"{path} is not a key file", hint="restore it from a backup")
    if found.st_mode & 0o077:
        raise ConfigError(
            f"others may read the key {path} (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"chmod 600 {path}; if others had access, remove it and restart: a new key is made",
        )
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"the key {path} belongs to uid {found.st_uid}, this process is uid {os.geteuid()}",
            hint="run the hub as the account that owns its state",
        )


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
