"""One `ssh` process: known by the kernel's name for it before it begins, ended with whoever started it."""

import contextlib
import math
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from agentctl.engine.proc import identify
from agentctl.engine.ssh.reason import reason

SAID_BYTES_MAX = 4096  # the end of each stream: a host may say anything, and without end
LOOK_S = 0.05
END_S = 3.0  # after SIGTERM; ssh has nothing to save

# What the operator's ssh works with; whatever else this process holds isn't ssh's to see.
NEEDED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "SSH_AUTH_SOCK", "KRB5CCNAME")

# In place of a hook between fork and exec, which isn't safe with threads: the kernel ends ssh with
# the thread that started it, and ssh begins when told so. It stays one process, so its pid and
# start time name it from here on (prctl(2), PR_SET_PDEATHSIG).
_BEGIN = """import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 15)
if os.getppid() != int(sys.argv[1]) or os.read(0, 1) != b"g":
    sys.exit(1)
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as why:
    sys.exit(f"ssh can't be started ({why.strerror}): install OpenSSH's client")
"""


class Ssh:
    """A process that becomes `ssh` at `begin`. Of one thread: it ends when that thread does."""

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _BEGIN, str(os.getpid()), *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={name: os.environ[name] for name in NEEDED if name in os.environ},
            process_group=0,  # the terminal's Ctrl-C is for whoever started us
        )
        self._said = {"out": b"", "err": b""}
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._open = {self._process.stdout.fileno(): "out", self._process.stderr.fileno(): "err"}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    @property
    def name(self) -> str:
        """Return the process as the kernel attributes connections to it (web.peer)."""
        found = identify(self._process.pid)
        if found is None:
            raise ChildProcessError("ssh is gone")
        return f"process:{found.pid}:{found.ticks}"

    @property
    def said(self) -> bytes:
        """Return the end of its standard output."""
        return self._said["out"]

    def begin(self, script: bytes = b"", *, more: bool = False) -> None:
        """Let it become ssh, with `script` as its standard input; with `more` that stays open."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(b"g" + script)
            stdin.flush()
            if not more:
                stdin.close()
        except BrokenPipeError:
            return  # it has ended: its words say why

    def wait(
        self, until: Callable[[], bool], *, within_s: float = math.inf, look_s: float = LOOK_S
    ) -> bool:
        """Take in what it says until that holds (True), it ends, or the time is over (False)."""
        deadline_s = time.monotonic() + within_s
        while not until():
            if time.monotonic() >= deadline_s or not self._take_in(look_s):
                return until()
        return True

    def ended(self) -> int | None:
        """Return its exit code, None while it says or does something still."""
        if self._open:
            return self._process.poll()
        try:
            return self._process.wait(END_S)  # its streams have ended: so has it, in a moment
        except subprocess.TimeoutExpired:
            return None

    def why(self) -> str:
        """Return in one line why it ended; one that hasn't is ended for taking too long."""
        code = self.ended()
        self.end()
        return reason(self._said["err"], code, has_agent="SSH_AUTH_SOCK" in os.environ)

    def end(self) -> None:
        """End it now. Again is fine."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for each in (self._process.stdin, self._process.stdout, self._process.stderr):
            if each is not None:
                with contextlib.suppress(BrokenPipeError):  # what it hadn't read
                    each.close()
        self._open = {}

    def _take_in(self, within_s: float) -> bool:
        """Read what there is; return whether there may be more."""
        if not self._open:
            return False
        ready, _, _ = select.select(list(self._open), [], [], within_s)
        for descriptor in ready:
            name = self._open[descriptor]
            piece = os.read(descriptor, SAID_BYTES_MAX)
            self._said[name] = (self._said[name] + piece)[-SAID_BYTES_MAX:]
            if not piece:
                del self._open[descriptor]
        return bool(self._open)
