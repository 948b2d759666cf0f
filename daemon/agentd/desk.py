"""What this agent holds: each attempt from its assignment until the hub has its result."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from agentd.assignment import Assignment
from agentd.stop import Stop, StopReason

Hold = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An attempt on the desk and the way to stop it."""

    job: Assignment
    stop: Stop = field(default_factory=Stop)


class Desk:
    """The one record of what is held; every poll and heartbeat tells the hub what stands here.

    A slot is taken until the hub has answered for the result: so what waits to
    be sent is bounded by the slots, and no attempt is given out to us twice.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._changed = threading.Condition()
        self._held: dict[Hold, Held] = {}
        self._closed = False
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each change of slots."""
        self._listeners.append(listener)

    def take(self, job: Assignment) -> Held | None:
        """Put an assignment on the desk; None when it is there already, or there's no free slot."""
        with self._changed:
            return self._taken(job)

    def release(self, hold: Hold, *, then: Iterable[Assignment] = ()) -> list[Held]:
        """Take an attempt off, its result is settled or of no use; return what of `then` is put in its place.

        Nobody who looks meanwhile sees the slot free.
        """
        with self._changed:
            gone = self._held.pop(hold, None)
            taken = [held for job in then if (held := self._taken(job)) is not None]
            self._changed.notify_all()
        if gone is not None or taken:
            self._tell()
        return taken

    def _taken(self, job: Assignment) -> Held | None:
        if self._closed or job.hold in self._held or len(self._held) >= self._slots:
            return None
        held = Held(job=job)
        self._held[job.hold] = held
        return held

    def stop(self, hold: Hold, reason: StopReason) -> bool:
        """Ask an attempt to end; False when it isn't here (any more), or was asked before."""
        with self._changed:
            held = self._held.get(hold)
        return held is not None and held.stop.request(reason)

    def stop_all(self, reason: StopReason) -> None:
        """Ask everything to end."""
        for hold in self.holds():
            self.stop(hold, reason)

    def holds(self) -> tuple[Hold, ...]:
        """Return every (task, attempt) that is held, oldest first."""
        with self._changed:
            return tuple(self._held)

    def beat_s(self, most_s: float) -> float:
        """Return the shortest heartbeat that what is held asks for, `most_s` when nothing is."""
        with self._changed:
            return min([most_s, *(each.job.heartbeat_s for each in self._held.values())])

    def free(self) -> int:
        """Return how many assignments may be taken now."""
        with self._changed:
            return 0 if self._closed else self._slots - len(self._held)

    def after(self, hold: Hold) -> tuple[int, tuple[Hold, ...]]:
        """Return how many slots will be free, and what will be held, once an attempt is released."""
        with self._changed:
            left = tuple(each for each in self._held if each != hold)
            return 0 if self._closed else self._slots - len(left), left

    def close(self) -> None:
        """Take nothing more."""
        with self._changed:
            self._closed = True
        self._tell()

    def wait_empty(self, for_s: float) -> bool:
        """Wait until nothing is held, at most `for_s`; return whether nothing is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._held, timeout=max(0.0, for_s))

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
