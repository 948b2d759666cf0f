"""Copies of a store: made while it is in use, checked before they count, put back with the hub stopped."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import lmdb

from agentctl.errors import Conflict, StateDamaged, StoreUnavailable
from agentctl.store.state_lock import StateLock
from agentctl.store.verify import DATA_FILE, faults

INSTALLATION_FILE = "installation"  # in a backup: whose containers the state speaks of
INCOMING = "incoming"  # in a store's directory: the copy that is to take its place
CHECKPOINT_FILE = "checkpoint.json"  # in a backup: the journal's head as it was, signed


def copy_to(env: lmdb.Environment, target: Path, beside: Mapping[str, bytes]) -> None:
    """Write a compact copy of one consistent moment to the new directory `target`.

    `beside` are files that go with it, by name. `target` appears only when all of it is whole
    and verified. Raises Conflict when it exists, StoreUnavailable when the copy can't be written.
    """
    if target.exists():
        raise Conflict(f"{target} exists already", hint="name a directory that doesn't")
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(mode=0o700, parents=True)
        env.copy(str(partial), compact=True)
        (partial / DATA_FILE).chmod(0o600)
        for name, content in beside.items():
            (partial / name).touch(mode=0o600)
            (partial / name).write_bytes(content)
            _flush(partial / name)
        _sound(partial)
        _publish(partial, target)
    except (lmdb.Error, OSError) as cause:
        raise StoreUnavailable(f"the backup to {target} failed: {cause}") from cause
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def restore(
    backup: Path, into: Path, *, aside: Path, prepare: Callable[[Path], object] = lambda _: None
) -> None:
    """Put a backup in place of the store in `into`; the present file stays in the new directory `aside`.

    `prepare` is called with the directory of the copy that is to go there, while no hub can open
    the store: what it writes comes in force with the copy. The exchange is one rename: whoever
    opens the store finds the old one or the prepared copy, never none. `aside` is on the store's
    file system. Raises Conflict while a hub has the store open or when `aside` exists,
    StateDamaged when the backup isn't sound; then the store is as it was.
    """
    if not (backup / DATA_FILE).is_file():
        raise StateDamaged(f"{backup} holds no backup of a store")
    _sound(backup)
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = StateLock(into)
    try:
        if aside.exists():
            raise Conflict(f"{aside} exists already", hint="name a directory that doesn't")
        incoming = _copied(backup, into / INCOMING)
        prepare(incoming)
        _flush(incoming / DATA_FILE)
        aside.mkdir(mode=0o700, parents=True)
        if (into / DATA_FILE).exists():
            (aside / DATA_FILE).hardlink_to(into / DATA_FILE)
        (incoming / DATA_FILE).replace(into / DATA_FILE)
        _flush(into)
    except OSError as cause:
        raise StoreUnavailable(f"restoring {backup} to {into} failed: {cause}") from cause
    finally:
        shutil.rmtree(into / INCOMING, ignore_errors=True)
        lock.release()


def _copied(backup: Path, incoming: Path) -> Path:
    """Return the directory with a copy of a backup's file, free of what a crash left there."""
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir(mode=0o700)
    shutil.copyfile(backup / DATA_FILE, incoming / DATA_FILE)
    (incoming / DATA_FILE).chmod(0o600)
    return incoming


def _sound(directory: Path) -> None:
    found = faults(directory, whole=True)
    if found:
        raise StateDamaged(f"the copy in {directory} is damaged: {found[0]}")


def _publish(partial: Path, target: Path) -> None:
    _flush(partial / DATA_FILE)
    _flush(partial)
    partial.rename(target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
