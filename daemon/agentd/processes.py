"""What runs besides agentd: reap it, and end all of it after a task.

As process 1 every other process of the container is agentd's to end. As an
ordinary process (the process engine) only its descendants are: it becomes
their subreaper, so that none escapes by losing its parent.
"""

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable

from agentd import log
from agentd.process_tree import alive, descendants, kill_exactly

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_END_S = 5.0  # SIGKILL needs no consent; this only bounds a fork race
_PAUSE_S = 0.01


def hide_memory() -> None:
    """Make this process not dumpable: nobody of the same user may trace it or read its memory.

    The tokens are here and nowhere else. OSError when the kernel refuses.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) refused")


class Processes:
    """Starts the tasks' programs, reaps what is left to it, ends what outlives its task."""

    def __init__(self) -> None:
        self.first = os.getpid() == 1
        self._lock = threading.RLock()
        self._ours: set[int] = set()  # somebody waits for these; the reaper must not
        if not self.first:
            _prctl(_PR_SET_CHILD_SUBREAPER, 1)

    def spawn(self, start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        """Start a child that the caller will wait for. OSError passes through."""
        with self._lock:  # or the reaper could take it before it is known
            child = start()
            self._ours.add(child.pid)
        return child

    def conclude(self, child: subprocess.Popen[bytes]) -> int:
        """End a child that has exited or must: its group and its tree; return its exit status.

        The child is still unreaped when its group is signalled, so its number
        can't be somebody else's yet. When no other task runs, everything else goes too.
        """
        with self._lock:
            others_run = self._ours != {child.pid}
        tree = descendants(child.pid) if others_run else ()  # alone, all of it goes below
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        for each in tree:
            kill_exactly(each)
        status = child.wait()
        with self._lock:  # held until all are ended: no other task starts in between
            self._ours.discard(child.pid)
            if not self._ours:
                self.end_all()
        self.reap()
        return status

    def end_all(self) -> None:
        """Kill every process that is agentd's to kill, until none is left."""
        give_up_s = time.monotonic() + _END_S
        while self._kill_round() and time.monotonic() < give_up_s:
            self.reap()
            time.sleep(_PAUSE_S)
        self.reap()

    def _kill_round(self) -> bool:
        others = descendants(os.getpid())
        if not self.first:
            for each in others:
                kill_exactly(each)
        elif others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # from process 1: all of the container but itself
        return any(alive(each) for each in others)

    def reap(self) -> None:
        """Collect every dead child that nobody waits for. Never blocks."""
        with self._lock:
            while True:
                try:
                    dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                except ChildProcessError:
                    return
                if dead is None or dead.si_pid in self._ours:
                    return  # its own waiter comes first, and calls again
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(dead.si_pid, os.WNOHANG)


def reap_forever(
    processes: Processes, signalled: "queue.SimpleQueue[None]", every_s: float = 5.0
) -> None:
    """Reap on each SIGCHLD (`signalled`), and now and then in case one was missed."""
    while True:
        with contextlib.suppress(queue.Empty):
            signalled.get(timeout=every_s)
        try:
            processes.reap()
        except OSError as cause:
            log.warning("reap.failed", where=log.where(cause))
