"""The tree of processes as /proc shows it, and killing exactly the one that was seen."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_DEAD = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class Seen:
    """A process at one moment: pid and start time (ticks since boot) together are unique."""

    pid: int
    parent: int
    started: int
    state: str


def descendants(root: int) -> tuple[Seen, ...]:
    """Return every living process below `root`, without itself and without zombies."""
    by_parent: dict[int, list[Seen]] = {}
    for entry in os.listdir(_PROC):  # noqa: PTH208 - names alone, many times a second
        seen = look(int(entry)) if entry.isdigit() else None
        if seen is not None:
            by_parent.setdefault(seen.parent, []).append(seen)
    found: list[Seen] = []
    pending = [root]
    while pending:
        children = by_parent.get(pending.pop(), [])
        found += children
        pending += [each.pid for each in children]
    return tuple(each for each in found if each.state not in _DEAD)


def look(pid: int) -> Seen | None:
    """Return the process of that number, None when there is none."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name may hold anything, spaces and brackets too: it ends at the last bracket.
    after_name = stat[stat.rindex(b")") + 2 :].split()
    return Seen(
        pid=pid, parent=int(after_name[1]), started=int(after_name[19]), state=chr(after_name[0][0])
    )


def alive(seen: Seen) -> bool:
    """Whether that very process still runs."""
    now = look(seen.pid)
    return now is not None and now.started == seen.started and now.state not in _DEAD


def kill_exactly(seen: Seen) -> None:
    """SIGKILL that very process, never another that has got its number since."""
    try:
        handle = os.pidfd_open(seen.pid)
    except ProcessLookupError:
        return
    except OSError:  # a seccomp profile older than pidfd
        handle = -1
    try:
        if not alive(seen):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if handle >= 0:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            else:
                os.kill(seen.pid, signal.SIGKILL)
    finally:
        if handle >= 0:
            os.close(handle)
