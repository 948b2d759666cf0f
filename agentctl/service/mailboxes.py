"""The boxes that messages lie in: in memory, bounded, each message until it is acknowledged or its time is up.

An agent has one queue of requests, of which each is for any one of its containers; a container
has a box of what is for it alone. What was taken and isn't acknowledged comes again, and a
request whose taker ends goes back to the queue. Times are CLOCK_BOOTTIME seconds.
Source: docs/decisions/0018-messages.md.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from agentctl.model.message import TAKEN_BYTES_MAX, Asked, Letter
from agentctl.service.mail_room import Place, Room

SWEEP_EVERY_S = 5.0
ORDER_REMEMBERED_MAX = 1024  # delivered messages of a box: four times what may lie in it


class Fate(Enum):
    """What is to become of a message that a container could take now."""

    GIVE = auto()
    LEAVE = auto()  # another container of the agent may have it
    WITHDRAW = auto()  # nobody may have it any more


Verdict = tuple[Fate, str]
Judge = Callable[[Letter], Verdict]


@dataclass(slots=True)
class _Held:
    """A message with the place whose room it takes (a taken request's is its queue)."""

    letter: Letter
    home: Place


@dataclass(slots=True)
class _Box:
    """In order: `waiting` never taken, `taken` delivered and not acknowledged.

    `order` numbers what was delivered, also what has gone since (its time was up, it was
    answered): a reader that names it has handled all before it.
    """

    waiting: dict[str, _Held] = field(default_factory=dict)
    taken: dict[str, _Held] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)
    delivered: int = 0

    def deliver(self, message: str, held: _Held) -> None:
        """Note that a message is handed out for the first time."""
        self.taken[message] = held
        self.delivered += 1
        self.order[message] = self.delivered
        if len(self.order) > ORDER_REMEMBERED_MAX:
            del self.order[next(iter(self.order))]


@dataclass(slots=True)
class _Open:
    """A request on its way. `taker` is the instance that it was delivered to, `claimed` while it answers."""

    asked: Asked
    taker: str = ""
    claimed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a poll gets, and what nobody may have any more, each with why."""

    letters: tuple[Letter, ...] = ()
    withdrawn: tuple[tuple[Letter, str], ...] = ()


NOTHING = Taken()


class Mailboxes:
    """All boxes of the hub. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boxes: dict[Place, _Box] = {}
        self._open: dict[str, _Open] = {}
        self._room = Room()
        self._swept_s = 0.0

    @property
    def bytes(self) -> int:
        """Return how many bytes lie in all boxes or are reserved there."""
        return self._room.bytes

    def reserve(
        self, places: Collection[Place], sender: str, size: int, *, now_s: float
    ) -> tuple[Place, ...]:
        """Take room for a message in each place; return the places that had some.

        Follow it with `fill`, or with `release` when the message doesn't go.
        """
        with self._lock:
            if now_s - self._swept_s >= SWEEP_EVERY_S:
                self._sweep(now_s)
            return tuple(each for each in places if self._room.take(each, sender, size))

    def release(self, places: Collection[Place], sender: str, size: int) -> None:
        """Give back room that was reserved and isn't used."""
        with self._lock:
            for each in places:
                self._room.give_back(each, sender, size)

    def fill(self, places: Collection[Place], letter: Letter, asked: Asked | None = None) -> None:
        """Put a message into the room reserved for it; `asked` makes a request one that can be answered."""
        with self._lock:
            if asked is not None:
                self._open[letter.id] = _Open(asked)
            for each in places:
                box = self._boxes.setdefault(each, _Box())
                if letter.id in box.waiting or letter.id in box.taken:
                    self._room.give_back(each, _share(letter), letter.bytes)
                else:
                    box.waiting[letter.id] = _Held(letter, each)

    def put(self, place: Place, letter: Letter, *, now_s: float) -> bool:
        """Put the hub's own message into a box; False when it is full. The same id again changes nothing."""
        if not self.reserve((place,), _share(letter), letter.bytes, now_s=now_s):
            return False
        self.fill((place,), letter)
        return True

    def acknowledge(self, place: Place, seen: str) -> None:
        """Take `seen`, and all that was delivered there before it, out of a box; unknown ids change nothing."""
        if place not in self._boxes:
            return  # nearly always: agents without mail don't wait for the lock
        with self._lock:
            box = self._boxes.get(place)
            upto = box.order.get(seen) if box else None
            if box is None or upto is None:
                return
            handled = [message for message, number in box.order.items() if number <= upto]
            for message in handled:
                del box.order[message]
                if message in box.taken:
                    self._drop(box.taken, message)
            self._forget_if_empty(place)

    def take(
        self, place: Place, *, room: int, now_s: float, judge: Judge, requests: bool = True
    ) -> Taken:
        """Take up to `room` messages for a container: again what it hasn't acknowledged, then what is new.

        `judge` says of each what becomes of it now; it runs under the lock, so it only compares
        values. Without `requests` none is taken out of the agent's queue.
        """
        queue = Place(place.agent)
        if place not in self._boxes and queue not in self._boxes:
            return NOTHING
        with self._lock:
            round_ = _Round(room, now_s, judge)
            box = self._boxes.setdefault(place, _Box())
            self._again(box, round_)
            self._new(box.waiting, box, round_)
            if requests and queue in self._boxes:
                self._new(self._boxes[queue].waiting, box, round_)
            for letter in round_.given:
                if letter.id in self._open:
                    self._open[letter.id].taker = place.instance
            self._forget_if_empty(place)
            self._forget_if_empty(queue)
            return Taken(letters=tuple(round_.given), withdrawn=tuple(round_.withdrawn))

    def claim(self, message: str, taker: str, *, now_s: float) -> Asked | None:
        """Return the request if this container may answer it now, for it alone until `settle` or `unclaim`."""
        with self._lock:
            found = self._open.get(message)
            if found is None or found.claimed or not taker or found.taker != taker:
                return None
            if now_s >= found.asked.expires_s:
                return None
            found.claimed = True
            return found.asked

    def is_claimed(self, message: str, taker: str) -> bool:
        """Whether this container is about to answer that request already."""
        with self._lock:
            found = self._open.get(message)
            return found is not None and found.claimed and found.taker == taker

    def unclaim(self, message: str) -> None:
        """Let a request be answered after all."""
        with self._lock:
            if message in self._open:
                self._open[message].claimed = False

    def settle(self, message: str) -> None:
        """End a request: it was answered, so it comes to nobody again."""
        with self._lock:
            found = self._open.pop(message, None)
            if found is None:
                return
            for box in self._boxes.values():
                if message in box.taken:
                    self._drop(box.taken, message)
                    break

    def forget(self, place: Place) -> bool:
        """End a container's box and what it asked; return whether requests went back to its agent's queue."""
        with self._lock:
            box = self._boxes.pop(place, _Box())
            back = {
                message: held
                for message, held in box.taken.items()
                if held.home != place and message in self._open
            }
            for message, held in (*box.taken.items(), *box.waiting.items()):
                if message not in back:
                    self._room.give_back(held.home, _share(held.letter), held.letter.bytes)
            if back:
                self._requeue(Place(place.agent), back)
            self._unasked(place.instance)
            return bool(back)

    def clear(self, queue: Place) -> tuple[Letter, ...]:
        """Take back the requests that wait in an agent's queue; return them. None can be answered any more."""
        with self._lock:
            waiting = self._boxes[queue].waiting if queue in self._boxes else {}
            letters = tuple(each.letter for each in waiting.values())
            for letter in letters:
                self._end(waiting, letter.id)
            self._forget_if_empty(queue)
            return letters

    def _again(self, box: _Box, round_: "_Round") -> None:
        for message, held in list(box.taken.items()):
            if round_.full(held.letter):
                return
            fate = round_.fate(held.letter)
            if fate is Fate.LEAVE and held.home.instance:
                fate = Fate.WITHDRAW
            if fate is Fate.GIVE:
                round_.given.append(held.letter)
                continue
            if fate is Fate.LEAVE:
                del box.taken[message]
                box.order.pop(message, None)
                self._requeue(held.home, {message: held})
            else:
                self._end(box.taken, message)

    def _new(self, waiting: dict[str, _Held], box: _Box, round_: "_Round") -> None:
        for message, held in list(waiting.items()):
            if round_.full(held.letter):
                return
            fate = round_.fate(held.letter)
            if fate is Fate.GIVE:
                round_.given.append(held.letter)
                box.deliver(message, waiting.pop(message))
            elif fate is Fate.WITHDRAW:
                self._end(waiting, message)

    def _requeue(self, queue: Place, back: dict[str, _Held]) -> None:
        """Put taken requests back before all that waits in their queue."""
        for message in back:
            self._open[message].taker = ""
        box = self._boxes.setdefault(queue, _Box())
        box.waiting = {**back, **box.waiting}

    def _unasked(self, instance: str) -> None:
        """Drop what an ended container asked: nobody is left to hear the answer."""
        gone = {key for key, each in self._open.items() if each.asked.instance == instance}
        if gone:
            for _, held in list(self._all()):
                for message in gone & held.keys():
                    self._drop(held, message)
            for message in gone:
                del self._open[message]

    def _all(self) -> Iterator[tuple[Place, dict[str, _Held]]]:
        for place, box in self._boxes.items():
            yield place, box.waiting
            yield place, box.taken

    def _sweep(self, now_s: float) -> None:
        """Drop what is past its time, everywhere."""
        self._swept_s = now_s
        for place, held in list(self._all()):
            for message in [key for key, each in held.items() if each.letter.expires_s <= now_s]:
                self._drop(held, message)
            self._forget_if_empty(place)
        late = [key for key, each in self._open.items() if each.asked.expires_s <= now_s]
        for message in late:
            if not self._open[message].claimed:
                del self._open[message]

    def _end(self, held: dict[str, _Held], message: str) -> None:
        self._drop(held, message)
        self._open.pop(message, None)

    def _drop(self, held: dict[str, _Held], message: str) -> None:
        gone = held.pop(message)
        self._room.give_back(gone.home, _share(gone.letter), gone.letter.bytes)

    def _forget_if_empty(self, place: Place) -> None:
        box = self._boxes.get(place)
        if box is not None and not box.waiting and not box.taken:
            del self._boxes[place]


def _share(letter: Letter) -> str:
    """Return whose share a message takes: its sender's, "" of the hub's own."""
    return letter.sender if letter.sender_instance else ""


@dataclass(slots=True)
class _Round:
    """One poll's taking. Expired messages are withdrawn without a word: their time was known."""

    room: int
    now_s: float
    judge: Judge
    given: list[Letter] = field(default_factory=list)
    withdrawn: list[tuple[Letter, str]] = field(default_factory=list)
    _bytes: int = 0

    def full(self, letter: Letter) -> bool:
        over = bool(self.given) and self._bytes + letter.bytes > TAKEN_BYTES_MAX
        return len(self.given) >= self.room or over

    def fate(self, letter: Letter) -> Fate:
        if letter.expires_s <= self.now_s:
            return Fate.WITHDRAW
        fate, why = self.judge(letter)
        if fate is Fate.GIVE:
            self._bytes += letter.bytes
        elif fate is Fate.WITHDRAW:
            self.withdrawn.append((letter, why))
        return fate
