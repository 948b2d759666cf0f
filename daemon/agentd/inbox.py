"""What colleagues sent, fetched when the model asks for it and not before.

So a request waits at the hub, where any of the agent's containers may take it, until a model
really looks; and what was handed over is acknowledged by the next look.
"""

import contextlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Any

from agentd import clock, log
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.mail import Mail, parse
from agentd.strict_json import Malformed

AT_ONCE = 16  # messages of one look, and of one answer to the model
KEPT_MAX = 256  # read by nobody yet; the oldest events and broadcasts go first
KNOWN_MAX = 4096  # ids that were handed over: the hub repeats what isn't acknowledged
LOOK_S = 20.0  # how long the hub may hold one look
_IDLE_S = 0.2  # after an answer with nothing new: the same question would get the same at once

Hold = tuple[str, int]
Wanted = Callable[[Mail], bool]


class Inbox:
    """Of this container, for the task that runs: `look` fetches, `take` and `first` empty it.

    Threads share it; one of them looks at a time, since the hub lets a container wait in two
    polls and one is the poll for work.
    """

    def __init__(self, new_hub: Callable[[], Hub], *, holds: Callable[[], tuple[Hold, ...]]) -> None:
        self._hub = new_hub()
        self._holds = holds
        self._changed = threading.Condition()
        self._looking = False
        self._unread: deque[Mail] = deque()
        self._awaited: list[Wanted] = []
        self._known: OrderedDict[str, None] = OrderedDict()
        self._seen = ""
        self._era = 0  # counts the tasks: what a look brings after its task's end is left at the hub

    def forget(self) -> None:
        """Drop what nobody read: it was for a task that has ended."""
        with self._changed:
            self._unread.clear()
            self._era += 1

    def unread(self) -> int:
        """Return how many messages wait to be read, without those that a call waits for."""
        with self._changed:
            return sum(1 for _ in self._free())

    def take(self, *, chars_max: int) -> list[Mail]:
        """Return the oldest unread messages: at least one if there is any, no more than fit."""
        with self._changed:
            self._drop_expired()
            taken: list[Mail] = []
            chars = 0
            for each in self._free():
                chars += each.chars
                if taken and (chars > chars_max or len(taken) == AT_ONCE):
                    break
                taken.append(each)
            for each in taken:
                self._unread.remove(each)
            return taken

    @contextlib.contextmanager
    def awaiting(self, wanted: Wanted) -> Iterator[Callable[[], Mail | None]]:
        """Keep what is wanted from `take` while the block runs; yields what takes it out."""
        with self._changed:
            self._awaited.append(wanted)
        try:
            yield lambda: self._first(wanted)
        finally:
            with self._changed:
                self._awaited.remove(wanted)

    def look(self, *, wait_s: float, unless: Callable[[], bool]) -> None:
        """Look at the hub; returns when something may have come, after LOOK_S or `wait_s` at the latest.

        While another thread looks, waits for what it finds. Does nothing when `unless` says so.
        Raises HubAway, HubRefused.
        """
        with self._changed:
            if unless():
                return
            if self._looking:
                self._changed.wait(min(wait_s, LOOK_S))
                return
            self._looking = True
            self._hub.rearm()
            era, seen = self._era, self._seen
        documents: list[dict[str, Any]] = []
        try:
            documents = self._hub.poll(
                wait_s=min(wait_s, LOOK_S), slots=0, holds=self._holds(), seen=seen, mail=AT_ONCE
            )
        except Interrupted:
            return
        finally:
            with self._changed:
                self._looking = False
                new = era == self._era and self._take_in(documents)
                self._changed.notify_all()
                if documents and not new and wait_s:
                    self._changed.wait(_IDLE_S)

    def interrupt(self) -> None:
        """Break off a look and wake who waits for it: somebody may have to look at something else."""
        with self._changed:
            if self._looking:
                self._hub.hang_up()
            self._changed.notify_all()

    def _first(self, wanted: Wanted) -> Mail | None:
        with self._changed:
            found = next((each for each in self._unread if wanted(each)), None)
            if found is not None:
                self._unread.remove(found)
            return found

    def _free(self) -> Iterator[Mail]:
        return (each for each in self._unread if not any(wants(each) for wants in self._awaited))

    def _drop_expired(self) -> None:
        """A request that can't be answered any more is no use to read."""
        now_s = clock.boot_s()
        gone = [m for m in self._unread if m.type == "request" and m.expires_s <= now_s]
        for each in gone:
            self._unread.remove(each)

    def _take_in(self, documents: list[dict[str, Any]]) -> bool:
        """Keep what is new; return whether anything was."""
        before = len(self._known), next(reversed(self._known), "")
        for document in documents:
            try:
                found = parse(document, now_s=clock.boot_s())
            except Malformed as wrong:
                log.warning("message.malformed", why=str(wrong))
                continue
            if found is not None:
                self._put(found)
        return before != (len(self._known), next(reversed(self._known), ""))

    def _put(self, mail: Mail) -> None:
        self._seen = mail.id
        if mail.id in self._known:
            return
        self._known[mail.id] = None
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        self._unread.append(mail)
        if len(self._unread) > KEPT_MAX:
            self._drop_one()

    def _drop_one(self) -> None:
        told = (each for each in self._unread if each.type in ("event", "broadcast"))
        self._unread.remove(next(told, self._unread[0]))
