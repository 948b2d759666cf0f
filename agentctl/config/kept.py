"""Compiled state, kept by the digest of the files it came from: unchanged files aren't compiled again.

The one thing that reading commands write (see `load_kept`). Source: docs/decisions/0003-configuration.md.
"""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agentctl import resources
from agentctl.config import load
from agentctl.config.finding import Finding
from agentctl.config.fingerprint import digest_of, file_digests
from agentctl.config.loaded import Loaded
from agentctl.model.fleet import DesiredState

FORM = "1"  # of the entry
ENTRIES_MAX = 32  # some projects and options of one account; the oldest go


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What loading gave. `others` are digests of files read outside the usual places."""

    others: dict[str, str]
    desired: DesiredState
    findings: tuple[Finding, ...]
    partial: bool
    limited: tuple[str, ...] | None


def load_kept(
    project: Path,
    *,
    cache: Path,
    extra_vars: Sequence[str] = (),
    limit: str = "",
    tags: Sequence[str] = (),
    skip_tags: Sequence[str] = (),
) -> Loaded:
    """Return what `agentctl.config.load` does, from `cache` when no file changed since.

    A result from the cache has no sources and no places. Only what is free of errors is kept.
    `cache` is made with mode 0700; one that others may write is not used. Nothing about the
    cache ever fails: at worst the files are read again.
    """
    try:
        digests = file_digests(project)
        key = _key(project, digests, extra_vars, limit, tags, skip_tags)
    except OSError:
        digests, key = {}, ""
    path = cache / f"{key}.msgpack"
    private = bool(key) and _private(cache)
    found = _read(path, project) if private else None
    if found is not None:
        return found
    loaded = load(project, extra_vars=extra_vars, limit=limit, tags=tags, skip_tags=skip_tags)
    # Written only if the files are still those that the key speaks of.
    if private and loaded.desired is not None and _still(project, digests):
        _write(path, project, loaded, digests)
    return loaded


def _key(
    project: Path,
    digests: dict[str, str],
    extra_vars: Sequence[str],
    limit: str,
    tags: Sequence[str],
    skip_tags: Sequence[str],
) -> str:
    given = [*extra_vars, *(digest_of(Path(each[1:])) for each in extra_vars if each[:1] == "@")]
    parts = [FORM, _program(), str(project.resolve()), given, limit, tags, skip_tags, digests]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _program() -> str:
    """Return what tells this compiler from another: its own files' sizes and times."""
    package = Path(__file__).parent
    places = (
        package,
        package / "references",
        package.parent / "model",
        resources.schema_path("playbook").parent,
    )
    stats = hashlib.sha256()
    for place in places:
        with os.scandir(place) as listed:
            for each in sorted(listed, key=lambda one: one.name):
                if each.name.endswith((".py", ".json")):
                    about = each.stat()
                    stats.update(f"{each.name} {about.st_size} {about.st_mtime_ns}\n".encode())
    return stats.hexdigest()


def _private(cache: Path) -> bool:
    """Make the directory if need be; return whether it is ours alone."""
    try:
        if not cache.is_dir():
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = cache.stat()
    except OSError:
        return False
    return about.st_uid == os.geteuid() and not about.st_mode & 0o077


def _read(path: Path, project: Path) -> Loaded | None:
    try:
        entry = msgspec.msgpack.decode(path.read_bytes(), type=Entry)
        if any(digest_of(project / file) != known for file, known in entry.others.items()):
            return None
    except (OSError, msgspec.MsgspecError):
        return None
    return Loaded(
        desired=entry.desired,
        findings=entry.findings,
        partial=entry.partial,
        limited=None if entry.limited is None else frozenset(entry.limited),
        others=tuple(entry.others),
    )


def _still(project: Path, digests: dict[str, str]) -> bool:
    try:
        return file_digests(project) == digests
    except OSError:
        return False


def _write(path: Path, project: Path, loaded: Loaded, digests: dict[str, str]) -> None:
    assert loaded.desired is not None
    with contextlib.suppress(OSError):
        read = (*loaded.sources, *loaded.others)
        others = {file: digest_of(project / file) for file in read if file not in digests}
        entry = Entry(
            others=others,
            desired=loaded.desired,
            findings=loaded.findings,
            partial=loaded.partial,
            limited=None if loaded.limited is None else tuple(sorted(loaded.limited)),
        )
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(msgspec.msgpack.encode(entry))
        Path(file.name).replace(path)
        kept = sorted(path.parent.glob("*.msgpack"), key=lambda each: each.stat().st_mtime)
        for each in kept[:-ENTRIES_MAX]:
            each.unlink(missing_ok=True)
