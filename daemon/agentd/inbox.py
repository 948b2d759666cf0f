"""What colleagues sent, fetched when the model asks for it and not before.

So a request waits at the hub, where any of the agent's containers may take it, until a model
really looks; and what was handed over is acknowledged by the next look.
"""

import contextlib
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from agentd import log
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.mail import PART_CHARS, Mail, View, parse
from agentd.strict_json import Malformed

AT_ONCE = 16  # messages of one look
KEPT_MAX = 256  # read by nobody yet; the oldest events and broadcasts go first
LONG_KEPT_MAX = 8  # messages that were shown in part, kept for their other parts
KNOWN_MAX = 4096  # ids that were handed over: the hub repeats what isn't acknowledged
LOOK_S = 20.0  # how long the hub may hold one look
_IDLE_S = 0.2  # after an answer with nothing new: the same question would get the same at once

Hold = tuple[str, int]


@dataclass(slots=True)
class Awaited:
    """A reply or a result that a call waits for.

    `about` is the request or the task. It comes with the hub's answer, which a reply may overtake:
    until then anything of the type may be the one.
    """

    type: str
    about: str = ""

    def may_be(self, mail: Mail) -> bool:
        """Whether a message could be this one, so that nobody else may take it."""
        return mail.type == self.type and self.about in ("", mail.about)

    def is_it(self, mail: Mail) -> bool:
        """Whether a message is this one."""
        return bool(self.about) and self.may_be(mail)


class Inbox:
    """Of this container: `look` fetches, `take` and `first` empty it. Threads share it.

    One thread looks at a time, since the hub lets a container wait in few polls; the others wait
    for what it finds. A look that doesn't wait takes the place of one that does.
    """

    def __init__(self, new_hub: Callable[[], Hub]) -> None:
        self._hub = new_hub()
        self._changed = threading.Condition()
        self._looker: object | None = None
        self._patient = False  # the look that is out waits for something to come
        self._hurried = 0  # looks that don't wait and are about to begin
        self._unread: deque[Mail] = deque()
        self._awaited: list[Awaited] = []
        self._known: OrderedDict[str, None] = OrderedDict()
        self._long: OrderedDict[str, Mail] = OrderedDict()
        self._dropped = 0
        self._seen = ""
        self._era = (
            0  # counts the tasks: what a look brings after its task's end is left at the hub
        )

    def forget(self) -> None:
        """Drop what nobody read: it was for a task that has ended."""
        with self._changed:
            self._unread.clear()
            self._long.clear()
            self._dropped = 0
            self._era += 1

    def take(self) -> View:
        """Take out the oldest unread messages that fit into a view, without those that a call waits for."""
        with self._changed:
            free = [each for each in self._unread if not self._is_awaited(each)]
            taken = _that_fit(free)
            for each in taken:
                self._taken_out(each)
            dropped, self._dropped = (self._dropped, 0) if taken else (0, self._dropped)
            return View(mails=tuple(taken), more=len(free) - len(taken), dropped=dropped)

    def put_back(self, view: View) -> None:
        """Put messages back that were taken for a call that nobody waits for any more."""
        with self._changed:
            self._unread.extendleft(reversed(view.mails))
            self._dropped += view.dropped
            self._changed.notify_all()

    def long(self, message: str) -> Mail | None:
        """Return a message that was too long for one view, None when it isn't kept (any more)."""
        with self._changed:
            return self._long.get(message)

    @contextlib.contextmanager
    def awaiting(self, type_: str) -> Iterator[Awaited]:
        """Keep what a call waits for from every `take` while the block runs; after, it is anybody's."""
        awaited = Awaited(type_)
        with self._changed:
            self._awaited.append(awaited)
        try:
            yield awaited
        finally:
            with self._changed:
                # by identity: two calls may wait for something alike
                self._awaited = [each for each in self._awaited if each is not awaited]
                self._changed.notify_all()

    def first(self, wanted: Awaited) -> Mail | None:
        """Return the message that is awaited and take it out, None while it isn't there."""
        with self._changed:
            found = next((each for each in self._unread if wanted.is_it(each)), None)
            if found is not None:
                self._taken_out(found)
            return found

    def look(self, hold: Hold, *, wait_s: float, who: object, unless: Callable[[], bool]) -> bool:
        """Look at the hub, for LOOK_S or `wait_s` at most; return whether this call did and was answered.

        While another thread looks, waits for what it finds instead. Does nothing when `unless`
        says so. Raises HubAway, HubRefused.
        """
        with self._changed:
            if not self._begin(wait_s, who, unless):
                return False
            era, seen = self._era, self._seen
        new = True
        try:
            documents = self._hub.poll(
                wait_s=min(wait_s, LOOK_S), slots=0, holds=(hold,), seen=seen, mail=AT_ONCE
            )
            with self._changed:
                new = era == self._era and self._take_in(documents)
        except Interrupted:
            return False
        finally:
            with self._changed:
                self._looker = None
                self._changed.notify_all()
                if not new and documents and wait_s:
                    self._changed.wait(_IDLE_S)
        return True

    def interrupt(self, who: object) -> None:
        """Break off a look of this caller, and wake it if it waits for another's."""
        with self._changed:
            if self._looker is who:
                self._hub.hang_up()
            self._changed.notify_all()

    def _begin(self, wait_s: float, who: object, unless: Callable[[], bool]) -> bool:
        """Take the place of the one who looks; False when there is something else to do first."""
        if wait_s and (self._looker is not None or self._hurried):
            if not unless():
                self._changed.wait(min(wait_s, LOOK_S))
            return False
        self._hurried += 1
        try:
            while self._looker is not None and not unless():
                if self._patient:
                    self._hub.hang_up()
                self._changed.wait()
        finally:
            self._hurried -= 1
        if unless():
            return False
        self._looker, self._patient = who, wait_s > 0
        self._hub.rearm()
        return True

    def _is_awaited(self, mail: Mail) -> bool:
        return any(each.may_be(mail) for each in self._awaited)

    def _take_in(self, documents: list[dict[str, Any]]) -> bool:
        """Keep what is new; return whether anything was."""
        mails = [mail for each in documents if (mail := _parsed(each)) is not None]
        new = [each for each in mails if each.id not in self._known]
        if mails:
            self._seen = mails[-1].id
        for each in new:
            self._put(each)
        return bool(new)

    def _put(self, mail: Mail) -> None:
        self._known[mail.id] = None
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        self._unread.append(mail)
        if len(self._unread) > KEPT_MAX:
            self._drop_one()

    def _taken_out(self, mail: Mail) -> None:
        self._unread.remove(mail)
        if mail.parts > 1:
            self._long[mail.id] = mail
            if len(self._long) > LONG_KEPT_MAX:
                self._long.popitem(last=False)

    def _drop_one(self) -> None:
        self._dropped += 1
        told = (each for each in self._unread if each.type in ("event", "broadcast"))
        self._unread.remove(next(told, self._unread[0]))


def _that_fit(mails: list[Mail]) -> list[Mail]:
    """Return as many as one view takes: at least one if there is any."""
    taken: list[Mail] = []
    chars = 0
    for each in mails[:AT_ONCE]:
        chars += len(each.body)
        if taken and chars > PART_CHARS:
            break
        taken.append(each)
    return taken


def _parsed(document: dict[str, Any]) -> Mail | None:
    try:
        return parse(document)
    except Malformed as wrong:
        log.warning("message.malformed", why=str(wrong))
        return None
