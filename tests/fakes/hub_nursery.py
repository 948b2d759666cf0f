"""A program that bears hubs: it has all of agentctl loaded, and forks a whole hub for each line it reads.

Run as `python hub_nursery.py`; each line on standard input is `STATE FAILPOINTS BREAKAGE` (with `-`
for none), each answer the new hub's pid. A born hub is `bootstrap.run_hub` with its own store,
servers and threads, as `agentctl hub` runs it: only the interpreter's start is saved, so that
hundreds can be killed in a minute. Hubs die with their nursery.
"""

import ctypes
import os
import signal
import sys
import threading
from pathlib import Path
from threading import Lock
from typing import Any

from agentctl import bootstrap, failpoints
from agentctl.paths import StatePaths
from agentctl.store import disk  # noqa: F401 the first store to be opened loads it: once for all hubs

PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # killed hubs leave no zombies
    for line in sys.stdin:
        state, armed, breakage = line.split()
        pid = os.fork()
        if not pid:
            live(StatePaths(Path(state)), armed.strip("-"), breakage.strip("-"))
        os.write(1, f"{pid}\n".encode())


def live(paths: StatePaths, armed: str, breakage: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    os.dup2(os.open(paths.state / "hub.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), 2)
    BROKEN[breakage]()
    code = 1
    try:
        with failpoints.armed(armed):
            bootstrap.run_hub(paths, host="127.0.0.1", port=0, stop=stop)
        code = 0
    except BaseException:  # noqa: BLE001 a forked child must not go on as its parent
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def acknowledge_before_the_commit() -> None:
    from agentctl.store import group_commit

    honest = group_commit._Job.run

    def lying(job: "group_commit._Job[Any]", *where: Any) -> None:
        honest(job, *where)
        job.settle()
        job._pending = Lock()
        job._pending.acquire()

    group_commit._Job.run = lying  # type: ignore[method-assign,assignment]


def forget_the_fences() -> None:
    """Let any instance speak of any task, whatever its attempt."""
    from agentctl.service import poll, report

    for module in (poll, report):
        module.holds_lease = lambda *_: True  # type: ignore[attr-defined]


def forget_the_keys() -> None:
    """Take every repeated request for a new one."""
    from agentctl.service import submit

    submit._first = lambda *_: None


BROKEN = {
    "": lambda: None,
    "early": acknowledge_before_the_commit,
    "unfenced": forget_the_fences,
    "keyless": forget_the_keys,
}

if __name__ == "__main__":
    main()
