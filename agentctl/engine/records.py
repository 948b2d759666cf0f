"""The process engine's notes on disk: which process is which instance, so that a restart finds them again."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentctl.engine.proc import Identity, is_running
from agentctl.model.instance import ContainerState

RECORD = "record.json"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A process as it was started. `started` turns true before its boot document is written: once only."""

    name: str
    process: Identity
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at_s: float = 0.0
    started: bool = False
    exit_code: int | None = None

    @property
    def id(self) -> str:
        return f"process:{self.process.pid}:{self.process.ticks}"


def state(record: Record) -> ContainerState:
    """Return what the process does now, as far as files tell."""
    if not is_running(record.process):
        return ContainerState.EXITED
    return ContainerState.RUNNING if record.started else ContainerState.CREATED


def read_all(folder: Path) -> list[Record]:
    """Return the records of a host's folder, by name. A damaged one raises OSError: fail closed."""
    if not folder.is_dir():
        return []
    found = (read(each) for each in sorted(folder.iterdir()) if each.is_dir())
    return [record for record in found if record is not None]


def read(folder: Path) -> Record | None:
    """Return one container's record, or None where there is none."""
    try:
        text = (folder / RECORD).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _from(json.loads(text), folder.name)
    except (ValueError, LookupError, TypeError) as cause:
        raise OSError(f"{folder / RECORD} is damaged: {cause}") from cause


def write(folder: Path, record: Record) -> Record:
    """Put a record down durably: the old one or the new one is there after a crash, never half."""
    fresh = folder / f"{RECORD}.new"
    with fresh.open("w") as file:
        json.dump(_document(record), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(folder / RECORD)
    _sync(folder)
    return record


def erase(folder: Path) -> None:
    """Take a record away; the folder and what else is in it stay."""
    (folder / RECORD).unlink(missing_ok=True)
    _sync(folder)


def ended(record: Record, exit_code: int) -> Record:
    """Return the record of a process that ended; a signal's number is 128 more, as in a shell."""
    return replace(record, exit_code=exit_code if exit_code >= 0 else 128 - exit_code)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _document(record: Record) -> dict[str, Any]:
    return {
        "version": VERSION,
        "pid": record.process.pid,
        "ticks": record.process.ticks,
        "boot_id": record.process.boot_id,
        "labels": dict(record.labels),
        "created_at_s": record.created_at_s,
        "started": record.started,
        "exit_code": record.exit_code,
    }


def _from(document: Mapping[str, Any], name: str) -> Record:
    if document["version"] != VERSION:
        raise ValueError(f"version {document['version']}")
    return Record(
        name=name,
        process=Identity(pid=document["pid"], ticks=document["ticks"], boot_id=document["boot_id"]),
        labels=document["labels"],
        created_at_s=document["created_at_s"],
        started=document["started"],
        exit_code=document["exit_code"],
    )
