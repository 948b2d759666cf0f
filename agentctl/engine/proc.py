"""Processes by identity: a pid alone may be a stranger's tomorrow, a pid with its start time can't.

Source: proc(5), pidfd_open(2).
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from agentctl.errors import EngineUnavailable

POLL_S = 0.02  # how often an ending process is looked at
KILL_S_MAX = 5.0  # after SIGKILL; longer means it hangs in the kernel

_GONE = frozenset({"Z", "X"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One process of one boot. `ticks` is when it started, in clock ticks since that boot."""

    pid: int
    ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """What /proc/PID/stat says: state letter, parent, session, start time in ticks."""

    pid: int
    state: str
    parent: int
    session: int
    ticks: int


def boot_id() -> str:
    """Return the id of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def stat(pid: int) -> Stat | None:
    """Return a process's facts, or None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(b")")[2].split()  # the name before it may hold anything
    return Stat(
        pid=pid,
        state=fields[0].decode(),
        parent=int(fields[1]),
        session=int(fields[3]),
        ticks=int(fields[19]),
    )


def identify(pid: int) -> Identity | None:
    """Return the identity of a process that exists now (a zombie too), or None."""
    facts = stat(pid)
    if facts is None:
        return None
    return Identity(pid=pid, ticks=facts.ticks, boot_id=boot_id())


def is_running(process: Identity) -> bool:
    """Whether that very process still runs (a zombie doesn't)."""
    facts = stat(process.pid)
    return (
        facts is not None
        and facts.ticks == process.ticks
        and facts.state not in _GONE
        and process.boot_id == boot_id()
    )


def send(process: Identity, number: signal.Signals) -> None:
    """Signal that very process; do nothing when it is gone or another has its pid."""
    with contextlib.suppress(ProcessLookupError):
        descriptor = os.pidfd_open(process.pid)
        try:  # the descriptor holds the process: what is checked is what is signalled
            if is_running(process):
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def family(process: Identity) -> list[Identity]:
    """Return what runs below a process or in its session, itself not included.

    What left the session and lost its parent is not found: the process engine isolates nothing.
    """
    if not is_running(process):
        leader_gone = stat(process.pid)
        if leader_gone is not None and leader_gone.ticks != process.ticks:
            return []  # the pid is another's, so may be the session
    everyone = list(_everyone())
    below = {process.pid}
    while more := {each.pid for each in everyone if each.parent in below} - below:
        below |= more
    boot = boot_id()
    return [
        Identity(pid=each.pid, ticks=each.ticks, boot_id=boot)
        for each in everyone
        if each.pid != process.pid
        and each.ticks >= process.ticks
        and (each.pid in below or each.session == process.pid)
    ]


def kill(processes: Iterable[Identity]) -> None:
    """End processes at once."""
    for each in processes:
        send(each, signal.SIGKILL)


def _everyone() -> Iterator[Stat]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            facts = stat(int(entry.name))
            if facts is not None:
                yield facts


def end(process: Identity, *, grace_s: float, reap: Callable[[], None]) -> None:
    """End a process and its family: SIGTERM, after `grace_s` SIGKILL. `reap` takes in our children.

    Raises EngineUnavailable when it doesn't die (it hangs in the kernel).
    """
    left = family(process)
    if grace_s > 0:
        send(process, signal.SIGTERM)
        _wait(process, grace_s, reap)
    left += family(process)
    kill([process, *left])
    if not _wait(process, KILL_S_MAX, reap):
        raise EngineUnavailable(f"process {process.pid} doesn't die")


def _wait(process: Identity, within_s: float, reap: Callable[[], None]) -> bool:
    deadline_s = time.monotonic() + within_s
    while is_running(process):
        reap()
        if time.monotonic() > deadline_s:
            return False
        time.sleep(POLL_S)
    reap()
    return True
