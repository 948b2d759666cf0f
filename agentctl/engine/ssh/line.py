"""A connection kept up: its `ssh` started again whenever it ends, later each time while it fails."""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agentctl.engine.ssh.process import Ssh
from agentctl.errors import AgentctlError

log = logging.getLogger("agentctl.engine.ssh")

READY_S = 15.0  # connecting is bounded by ssh itself; a host that then says nothing isn't
UP_LOOK_S = 0.5  # how soon one that is up is ended when nobody wants it
AGAIN_FIRST_S = 0.5
AGAIN_MAX_S = 30.0
JITTER = 0.25  # of the delay: connections that broke together don't come back together
HEALTHY_S = 10.0  # up for so long, and the next failure counts as the first
CONNECTING = "still connecting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """One connection to make: the command, what its shell gets, and how to know that it is up.

    `known` is told the process's name before anything can come through it; may raise AgentctlError.
    """

    argv: list[str]
    is_up: Callable[[Ssh], bool]
    script: bytes = b""
    known: Callable[[str], None] = lambda _process: None


class Way(Protocol):
    """What the line asks before each connection: raises AgentctlError where there is none to make."""

    def __call__(self) -> Trip: ...


class Line:
    """Keeps one connection up, on a thread of its own, from `start` until `end`."""

    def __init__(
        self,
        name: str,
        way: Way,
        *,
        wait: Callable[[], None] = lambda: None,
        turn: "contextlib.AbstractContextManager[object] | None" = None,
    ) -> None:
        """`wait` returns when a connection is worth trying; `turn` is held while one is being made."""
        self._name = name
        self._way = way
        self._wait = wait
        self._turn = turn or contextlib.nullcontext()
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._trouble: str | None = CONNECTING
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"ssh-{name}", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def end(self, *, wait_s: float = 0.0) -> None:
        """Let go of the connection; `wait_s` is how long to wait until it has ended."""
        self._stop.set()
        self._set(CONNECTING)
        if wait_s:
            self._thread.join(wait_s)

    def trouble(self, *, wait_s: float = 0.0) -> str:
        """Return why it isn't up, "" when it is; a first attempt is waited for up to `wait_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._trouble != CONNECTING, wait_s)
            return self._trouble or ""

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wait()
            if self._stop.is_set():
                return
            began_s = time.monotonic()
            try:
                why = self._travelled()
            except (AgentctlError, OSError) as cause:
                why = str(cause)
            except Exception as cause:  # nobody starts this thread again
                log.exception(
                    "%s: a connection failed in a way that nobody planned for", self._name
                )
                why = type(cause).__name__
            if not self._stop.is_set():
                self._failed(why, lasted_s=time.monotonic() - began_s)
                self._stop.wait(self._again_s())

    def _travelled(self) -> str:
        """Make one connection and keep it; return why it ended."""
        with contextlib.ExitStack() as turn:
            turn.enter_context(self._turn)
            trip = self._way()
            with Ssh(trip.argv) as ssh:
                trip.known(ssh.name)
                ssh.begin(trip.script, more=True)
                up = ssh.wait(lambda: trip.is_up(ssh) or self._stop.is_set(), within_s=READY_S)
                turn.close()
                if up:
                    self._set(None)
                    ssh.wait(self._stop.is_set, look_s=UP_LOOK_S)
                return ssh.why()

    def _set(self, trouble: str | None) -> None:
        with self._changed:
            before, self._trouble = self._trouble, trouble
            self._changed.notify_all()
        if trouble is None and before is not None:
            log.info("%s: connected", self._name)

    def _failed(self, why: str, *, lasted_s: float) -> None:
        self._failures = 1 if lasted_s >= HEALTHY_S else self._failures + 1
        if self._trouble != why:
            log.warning("%s: %s", self._name, why)
        self._set(why)

    def _again_s(self) -> float:
        doublings = min(self._failures - 1, 10)  # far above the maximum, and never overflows
        delay_s = min(AGAIN_FIRST_S * float(2**doublings), AGAIN_MAX_S)
        return delay_s * (1 + JITTER * random.random())  # noqa: S311  # no secret is made of it
