"""A child that ends with its supervisor, however that ended (prctl(2), PR_SET_PDEATHSIG)."""

import ctypes
import os
import signal

from agentctl.supervise.environment import SUPERVISOR

PR_SET_PDEATHSIG = 1


def end_with_supervisor() -> None:
    """Ask the kernel for a SIGTERM when the supervisor dies; end at once if it died already.

    Called by the child itself, early: a hook between fork and exec isn't safe with threads.
    Does nothing in a process that no supervisor started.
    """
    supervisor = os.environ.pop(SUPERVISOR, "")
    if not supervisor:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(supervisor):  # it was gone before we asked
        raise SystemExit(1)
