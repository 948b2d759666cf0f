"""What colleagues sent, fetched when the model asks for it and not before.

So a request waits at the hub, where any of the agent's containers may take it, until a model
really looks; and what was handed over is acknowledged by the next look.
"""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from agentd import log
from agentd.hub import Hub
from agentd.mail import Mail, parse
from agentd.strict_json import Malformed

AT_ONCE = 16  # messages of one look
KEPT_MAX = 256  # read by nobody yet; the oldest events and broadcasts go first
KNOWN_MAX = 4096  # ids that were handed over: the hub repeats what isn't acknowledged
LOOK_S = 20.0  # how long the hub may hold one look

Hold = tuple[str, int]


class Inbox:
    """Of this container: `fetch` looks at the hub, `take` and `reply_to` empty it. Threads share it."""

    def __init__(self, new_hub: Callable[[], Hub]) -> None:
        self._new_hub = new_hub
        self._changed = threading.Condition()
        self._looking = False
        self._unread: deque[Mail] = deque()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._seen = ""

    def forget(self) -> None:
        """Drop what nobody read: it was for a task that has ended."""
        with self._changed:
            self._unread.clear()

    def take(self, most: int = AT_ONCE) -> list[Mail]:
        """Return the oldest unread messages."""
        with self._changed:
            return [self._unread.popleft() for _ in range(min(most, len(self._unread)))]

    def first(self, wanted: Callable[[Mail], bool]) -> Mail | None:
        """Return the first unread message that is wanted and take it out, None when there is none."""
        with self._changed:
            found = next((each for each in self._unread if wanted(each)), None)
            if found is not None:
                self._unread.remove(found)
            return found

    def await_new(self, hold: Hold, *, wait_s: float) -> None:
        """Look at the hub, waiting up to `wait_s` for something new.

        One thread looks at a time; others wait for what it finds. Raises HubAway, HubRefused.
        """
        deadline_s = time.monotonic() + wait_s
        with self._changed:
            if self._looking:
                self._changed.wait(wait_s)
                return
            self._looking = True
        try:
            self._look(hold, max(0.0, deadline_s - time.monotonic()))
        finally:
            with self._changed:
                self._looking = False
                self._changed.notify_all()

    def _look(self, hold: Hold, wait_s: float) -> None:
        documents = self._new_hub().poll(
            wait_s=min(wait_s, LOOK_S), slots=0, holds=(hold,), seen=self._seen, mail=AT_ONCE
        )
        for document in documents:
            try:
                found = parse(document)
            except Malformed as wrong:
                log.warning("message.malformed", why=str(wrong))
                continue
            if found is not None:
                self._put(found)

    def _put(self, mail: Mail) -> None:
        with self._changed:
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
