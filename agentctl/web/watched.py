"""The connections of one listener's loop: the kernel watches them, so a turn costs what happens in it.

waitress's own loop asks every connection each turn what it waits for, which with a thousand idle
agents is nearly all the work there is. Uses waitress's private parts: see `requests`.
"""

import select
from collections import deque
from typing import Any

from waitress import wasyncore

_READ, _WRITE = select.EPOLLIN, select.EPOLLOUT


class Watched(dict[int, Any]):
    """waitress's map of its sockets by descriptor. The loop's thread alone changes it and takes turns."""

    def __init__(self) -> None:
        super().__init__()
        self._epoll = select.epoll()
        self._events: dict[int, int] = {}  # what the kernel watches each for; none: not at all
        self._stale: deque[int] = deque()  # what may wait for something else by now

    def __setitem__(self, number: int, watched: Any) -> None:
        super().__setitem__(number, watched)
        self._stale.append(number)  # it isn't whole yet: asked at the next turn

    def __delitem__(self, number: int) -> None:
        super().__delitem__(number)
        self._watch(number, 0)

    def changed(self, number: int) -> bool:
        """Whether this one waits for other events than it is watched for. Any thread may ask."""
        watched = self.get(number)
        return watched is not None and _wanted(watched) != self._events.get(number, 0)

    def attend(self, number: int) -> None:
        """Have this one asked again what it waits for, at the next turn. Any thread may ask."""
        self._stale.append(number)

    def turn(self, timeout_s: float) -> None:
        """Wait for events at most so long, and have each taken by whose it is."""
        while self._stale:
            self._ask(self._stale.popleft())
        for number, events in self._epoll.poll(timeout_s):
            watched = self.get(number)
            if watched is not None:
                wasyncore.readwrite(watched, events)
                self._ask(number)

    def close(self) -> None:
        """Stop watching; the sockets are their owners', who may still take them out."""
        self._events.clear()
        self._epoll.close()

    def _ask(self, number: int) -> None:
        # Again after each change: a thread that changed what it waits for meanwhile compared it
        # with what was watched before.
        while self.changed(number):
            self._watch(number, _wanted(self[number]))

    def _watch(self, number: int, events: int) -> None:
        before = self._events.get(number, 0)
        if events == before:
            return
        if not events:  # the kernel would tell of a broken one for ever, and nobody would act
            del self._events[number]
            self._epoll.unregister(number)
            return
        self._events[number] = events
        if before:
            self._epoll.modify(number, events)
        else:
            self._epoll.register(number, events)


def _wanted(watched: Any) -> int:
    events = _READ if watched.readable() else 0
    if watched.writable() and not watched.accepting:
        events |= _WRITE
    return events
