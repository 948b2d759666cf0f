"""The runtime directory goes with its installation: cleared at a clean end, swept when its state is gone.

It is never removed, nor made anew, under a container that mounts its door: a directory that is made
anew doesn't appear inside.
"""

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from agentctl.paths import RUNTIME_MARK, StatePaths
from agentctl.supervise.mounts import mounted
from agentctl.web.bind import listened_on

FOLDERS = ("door", "engines")  # of sockets
SWEPT_MAX = 100  # of dead installations at one start; the next one goes on
_NAME = re.compile(r"[0-9a-f]{8}")
_MARK_BYTES_MAX = 4096  # PATH_MAX


def clear(paths: StatePaths) -> bool:
    """Remove what an installation made in its runtime directory; return whether all of it is gone.

    Nothing is removed while somebody listens there, mounts the door, or has secrets there, nor
    what isn't ours. Source: ARCHITECTURE.md, "The door".
    """
    runtime = paths.runtime
    with contextlib.suppress(OSError):
        _remove_empty(runtime / "secrets")
        if (runtime / "secrets").exists():
            return False  # processes of agents run, and read them
        return _remove(runtime)
    return False


def sweep(root: Path, *, but: Path) -> list[Path]:
    """Remove the runtime directories under `root` of installations whose state is gone; return them.

    Each says itself which state it is of, and its name is that path's digest: whatever says
    something else, or nothing, is left, as is what is used. `but` is the caller's own.
    """
    found: list[Path] = []
    with contextlib.suppress(OSError):
        for each in sorted(root.iterdir()):
            if each != but and len(found) < SWEPT_MAX and _dead(each):
                with contextlib.suppress(OSError):
                    found += [each] if _sweep(each) else []
    return found


def _sweep(runtime: Path) -> bool:
    if _used(runtime):
        return False
    shutil.rmtree(
        runtime / "secrets", ignore_errors=True
    )  # of agents that nobody will ever ask for
    return _remove(runtime)


def _dead(runtime: Path) -> bool:
    """Whether this is ours for certain, of an installation whose state directory is gone."""
    state = _state_of(runtime)
    return state is not None and not os.path.lexists(state)


def _state_of(runtime: Path) -> Path | None:
    """Return the state that a runtime directory of this account is of; None unless that is certain."""
    try:
        found = runtime.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not ours or found.st_mode & 0o077 or not _NAME.fullmatch(runtime.name):
            return None
        with (runtime / RUNTIME_MARK).open("rb") as mark:
            state = Path(os.fsdecode(mark.read(_MARK_BYTES_MAX)))
        return state if state.is_absolute() and StatePaths(state).runtime == runtime else None
    except (OSError, ValueError):
        return None


def _sockets(runtime: Path) -> Iterator[Path]:
    for place in (runtime, *(runtime / each for each in FOLDERS)):
        if place.is_dir():
            yield from (each for each in place.iterdir() if stat.S_ISSOCK(each.lstat().st_mode))


def _used(runtime: Path) -> bool:
    return any(map(listened_on, _sockets(runtime))) or mounted(runtime / "door")


def _remove(runtime: Path) -> bool:
    """Remove sockets, their folders, mark and directory, unless it is used or holds anything else."""
    if _used(runtime):
        return False
    sockets = list(_sockets(runtime))
    folders = [runtime / each for each in FOLDERS if (runtime / each).is_dir()]
    known = {runtime / RUNTIME_MARK, *folders, *sockets}
    if not {each for folder in (runtime, *folders) for each in folder.iterdir()} <= known:
        return False
    for each in sockets:
        each.unlink(missing_ok=True)
    for folder in folders:
        folder.rmdir()
    (runtime / RUNTIME_MARK).unlink(missing_ok=True)
    runtime.rmdir()
    return True


def _remove_empty(folder: Path) -> None:
    """Remove a folder of folders as far as they are empty."""
    if folder.is_dir():
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                _remove_empty(each)
        with contextlib.suppress(OSError):
            folder.rmdir()
