"""Runs one program to its end: feeds it, reads it, watches the clock, stops it within two seconds.

One thread and one selector: nothing that the program does with its pipes can
block agentd.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from agentd.processes import Processes
from agentd.stop import Stop

TERM_GRACE_S = 1.0  # SIGTERM lets the CLI end its tools; SIGKILL after, and two seconds are kept
AFTER_RESULT_S = 10.0  # a CLI that has said its result and doesn't exit is hung
DRAIN_S = 0.5  # for what the pipes hold; a grandchild may print faster than we read
STDERR_TAIL_BYTES = 4096
_CHUNK_BYTES = 1 << 16


class End(StrEnum):
    """What ended the program."""

    EXITED = "exited"
    STOPPED = "stopped"
    IDLE = "idle"
    AFTER_RESULT = "after_result"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """`status` as subprocess has it: an exit code, or minus a signal's number."""

    how: End
    status: int
    stderr: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program to run: its whole environment, its directory, what it reads on standard input."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stdin: bytes


class Sink(Protocol):
    """Takes the program's output as it comes."""

    def feed(self, chunk: bytes) -> None: ...

    @property
    def finished(self) -> bool:
        """Whether the program has said all that it has to say."""
        ...


def run(command: Command, sink: Sink, *, processes: Processes, stop: Stop, idle_s: float) -> Ending:
    """Run the program; nothing of it is left when this returns.

    It is stopped when `stop` asks, when it prints nothing for `idle_s` seconds, and
    when it doesn't exit after its result. OSError when it can't be started.
    """
    child = processes.spawn(
        lambda: subprocess.Popen(
            list(command.argv),
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    )
    watched = _Watched(child, command.stdin, sink, idle_s=idle_s)
    try:
        stop.listen(watched.wake)
        how = watched.until_over(stop)
    finally:
        status = processes.conclude(child)
        watched.close()
    return Ending(how=how, status=status, stderr=watched.stderr_tail())


class _Watched:
    """A running child and its three pipes."""

    def __init__(
        self, child: subprocess.Popen[bytes], stdin: bytes, sink: Sink, *, idle_s: float
    ) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        self._child = child
        self._sink = sink
        self._unsent = memoryview(stdin)
        self._stderr = bytearray()
        self._idle_s = idle_s
        self._exited = threading.Event()
        self._wake_lock = threading.Lock()
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._register(child.stdout, selectors.EVENT_READ)
        self._register(child.stderr, selectors.EVENT_READ)
        self._register(child.stdin, selectors.EVENT_WRITE)
        threading.Thread(target=self._await_exit, name="waiter", daemon=True).start()

    def _register(self, pipe: IO[bytes], events: int) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, events)

    def _await_exit(self) -> None:
        # Left unreaped: until `conclude` its number can't become somebody else's.
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)
        self._exited.set()
        self.wake()

    def wake(self) -> None:
        """Have the loop look again; any thread may call."""
        with self._wake_lock, contextlib.suppress(BlockingIOError):
            if self._waker >= 0:
                os.write(self._waker, b"!")

    def until_over(self, stop: Stop) -> End:
        """Move bytes until the child has ended, or has to."""
        heard_s = time.monotonic()
        finished_s: float | None = None
        while not self._exited.is_set():
            if stop.reason is not None:
                self._terminate()
                return End.STOPPED
            now_s = time.monotonic()
            if self._sink.finished:
                finished_s = finished_s if finished_s is not None else now_s
                due_s, how = finished_s + AFTER_RESULT_S, End.AFTER_RESULT
            else:
                due_s, how = heard_s + self._idle_s, End.IDLE
            if now_s >= due_s:
                self._terminate()
                return how
            if self._turn(due_s - now_s):
                heard_s = time.monotonic()
        self._drain()
        return End.EXITED

    def _terminate(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGTERM)
        give_up_s = time.monotonic() + TERM_GRACE_S
        while not self._exited.is_set() and time.monotonic() < give_up_s:
            self._turn(give_up_s - time.monotonic())
        self._drain()

    def _drain(self) -> None:
        """Read what the pipes hold now, without waiting: a grandchild may hold them open for ever."""
        give_up_s = time.monotonic() + DRAIN_S
        while self._turn(0.0) and time.monotonic() < give_up_s:
            continue

    def _turn(self, timeout_s: float) -> bool:
        """Move what can be moved; return whether the child said something."""
        heard = False
        for key, _ in self._selector.select(max(0.0, timeout_s)):
            if key.fileobj is self._child.stdin:
                self._send()
            elif key.fileobj == self._woken:
                os.read(self._woken, _CHUNK_BYTES)
            else:
                assert not isinstance(key.fileobj, int)
                heard = self._receive(key.fileobj) or heard
        return heard

    def _send(self) -> None:
        assert self._child.stdin is not None
        try:
            sent = os.write(self._child.stdin.fileno(), self._unsent[:_CHUNK_BYTES])
            self._unsent = self._unsent[sent:]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = self._unsent[:0]  # it doesn't want to read: its affair
        if not self._unsent:
            self._selector.unregister(self._child.stdin)
            self._child.stdin.close()

    def _receive(self, pipe: object) -> bool:
        output = self._child.stdout if pipe is self._child.stdout else self._child.stderr
        assert output is not None
        try:
            chunk = os.read(output.fileno(), _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._selector.unregister(output)
            return False
        if output is self._child.stdout:
            self._sink.feed(chunk)
        else:
            self._stderr += chunk
            del self._stderr[:-STDERR_TAIL_BYTES]
        return True

    def stderr_tail(self) -> str:
        """Return the end of what the child wrote on standard error."""
        return self._stderr.decode("utf-8", "replace").strip()

    def close(self) -> None:
        """Let go of every descriptor."""
        self._selector.close()
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._exited.wait(1.0)  # the waiter writes to the pipe that is closed next
        with self._wake_lock:
            os.close(self._waker)
            self._waker = -1
        os.close(self._woken)
