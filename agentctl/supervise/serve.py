"""The supervisor: children up in order, up again when they fall, down in reverse order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agentctl.errors import Unavailable
from agentctl.supervise.restart import Restarts

READY_S = 20.0  # a hub that opens a large store after a crash needs seconds, not more
READY_POLL_S = 0.05
FIRST_S = 2.0  # who falls within this of the very first start is misconfigured, not unlucky
KILLED_FROM = 128  # an exit code from here on is a signal: its last words were about something else
IDLE_S = 3600.0  # nothing is due: a signal wakes us

Say = Callable[[str], None]


class Runs(Protocol):
    """A child, as child.Child is one."""

    name: str
    started_s: float

    @property
    def pid(self) -> int: ...
    def start(self) -> None: ...
    def ended(self) -> int | None: ...
    def reload(self) -> None: ...
    def stop(self, within_s: float, *, hurry: Callable[[], bool]) -> bool: ...
    def last_words(self) -> str: ...


class Waits(Protocol):
    """The signals, as signals.Signals has them."""

    asked: int
    reload: bool

    def wait(self, timeout_s: float) -> None: ...


@dataclass(slots=True, kw_only=True)
class Member:
    """A child with its place in the order.

    The next one starts when `ready` says so; a `vital` one that falls at its very first
    start ends all: it is misconfigured, and starting it again would hide why.
    """

    child: Runs
    stop_s: float
    ready: Callable[[], bool] = field(default=lambda: True)
    vital: bool = False
    reloads: bool = False  # SIGHUP is for it
    restarts: Restarts = field(default_factory=Restarts)
    due_s: float | None = None
    starts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How serving ended: the exit code, and the words of the child that ended it."""

    code: int
    words: str = ""


class Supervisor:
    """Runs its members until told to stop, or until a vital one can't even start."""

    def __init__(
        self,
        members: Sequence[Member],
        *,
        signals: Waits,
        say: Say,
        random: Callable[[], float],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._members = list(members)
        self._signals = signals
        self._say = say
        self._random = random
        self._now_s = now_s

    def run(self, *, up: Callable[[], None] = lambda: None) -> Ended:
        """Start all, call `up`, keep them running; return how it ended, with every child down."""
        try:
            ended = self._start_all()
            if ended is None and not self._signals.asked:
                up()
            while ended is None and not self._signals.asked:
                self._signals.wait(self._until_due())
                self._reload_if_asked()
                ended = self._tend()
            return ended or Ended(code=0)
        finally:
            self._stop_all()

    def _reload_if_asked(self) -> None:
        """Have the files read again by who follows them; without one, say how they are applied."""
        if not self._signals.reload:
            return
        self._signals.reload = False
        followers = [each for each in self._members if each.reloads and each.child.pid]
        for member in followers:
            member.child.reload()
        self._say(
            "reading the files again"
            if followers
            else "the files are applied by `agentctl apply` (or served with --follow); nothing changed"
        )

    def _start_all(self) -> Ended | None:
        for member in self._members:
            self._start(member)
            ended = self._await_ready(member)
            if ended is not None or self._signals.asked:
                return ended
        return None

    def _await_ready(self, member: Member) -> Ended | None:
        deadline_s = self._now_s() + READY_S
        while not member.ready():
            if self._signals.asked:
                return None
            code = member.child.ended()
            if code is not None:
                return self._gave_up(member, code)
            if self._now_s() >= deadline_s:
                raise Unavailable(
                    f"{member.child.name} is not ready after {READY_S:g} s",
                    hint="its log is in the state directory's logs",
                )
            self._signals.wait(READY_POLL_S)
        return None

    def _start(self, member: Member) -> None:
        member.child.start()
        member.starts += 1
        member.due_s = None
        again = " again" if member.starts > 1 else ""
        self._say(f"{member.child.name}: started{again} (pid {member.child.pid})")

    def _tend(self) -> Ended | None:
        """Look after every member once: notice who fell, start who is due."""
        for member in self._members:
            code = member.child.ended() if member.due_s is None else None
            if code is not None:
                ended = self._fell(member, code)
                if ended is not None:
                    return ended
            elif member.due_s is not None and member.due_s <= self._now_s():
                self._start(member)
        return None

    def _fell(self, member: Member, code: int) -> Ended | None:
        now_s = self._now_s()
        started_s = member.child.started_s
        by_itself = code < KILLED_FROM  # one that was killed says nothing about its settings
        if member.vital and by_itself and member.starts == 1 and now_s - started_s < FIRST_S:
            return self._gave_up(member, code)
        member.restarts = member.restarts.fell(started_s=started_s, now_s=now_s)
        delay_s = member.restarts.delay_s(self._random())
        member.due_s = now_s + delay_s
        words = member.child.last_words() if code < KILLED_FROM else ""
        self._say(
            f"{member.child.name}: ended with {code}, starts again in {delay_s:.1f} s"
            + (f": {words}" if words else "")
        )
        return None

    def _gave_up(self, member: Member, code: int) -> Ended:
        words = member.child.last_words() or f"ended with {code}"
        return Ended(code=code or 1, words=f"{member.child.name}: {words}")

    def _until_due(self) -> float:
        due = [each.due_s for each in self._members if each.due_s is not None]
        return min(due) - self._now_s() if due else IDLE_S

    def _stop_all(self) -> None:
        for member in reversed(self._members):
            if not member.child.pid:
                continue
            by_itself = member.child.stop(member.stop_s, hurry=self._in_a_hurry)
            self._say(f"{member.child.name}: {'stopped' if by_itself else 'killed'}")

    def _in_a_hurry(self) -> bool:
        """A second Ctrl-C means at once: whoever still runs is killed."""
        return self._signals.asked > 1
