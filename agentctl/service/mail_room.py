"""How much may lie in boxes: of each, of all, and how much of either one sender may fill.

The shares keep one that floods from taking the others' room: a box that is half full of one
agent's messages takes no more of its, and all of everybody else's.
"""

from collections import Counter
from dataclasses import dataclass, field

from agentctl.model.message import (
    MAIL_BYTES_MAX,
    MAILBOX_BYTES_MAX,
    MAILBOX_MESSAGES_MAX,
    SHARE_OF_A_BOX,
    SHARE_OF_ALL,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A box: a container's own, or with no instance the queue of requests that any of an agent's may take."""

    agent: str
    instance: str = ""


@dataclass(slots=True)
class _Fill:
    messages: int = 0
    bytes: int = 0

    def add(self, messages: int, size: int) -> None:
        self.messages += messages
        self.bytes += size


@dataclass(slots=True)
class _Box:
    whole: _Fill = field(default_factory=_Fill)
    senders: dict[str, _Fill] = field(default_factory=dict)


class Room:
    """The count of what lies where. Its user holds a lock; sender "" is the hub, which has no share."""

    def __init__(self) -> None:
        self._boxes: dict[Place, _Box] = {}
        self._of_sender: Counter[str] = Counter()  # bytes, in all boxes
        self.bytes = 0

    def take(self, place: Place, sender: str, size: int) -> bool:
        """Take room for one message; False when the box, the sender's share or the whole is full."""
        box = self._boxes.get(place) or _Box()
        mine = box.senders.get(sender) or _Fill()
        if not self._fits(box, mine, sender, size):
            return False
        self._boxes[place] = box
        box.senders[sender] = mine
        for each in (box.whole, mine):
            each.add(1, size)
        self._of_sender[sender] += size
        self.bytes += size
        return True

    def give_back(self, place: Place, sender: str, size: int) -> None:
        """Give back the room of one message."""
        box = self._boxes[place]
        mine = box.senders[sender]
        for each in (box.whole, mine):
            each.add(-1, -size)
        self._of_sender[sender] -= size
        self.bytes -= size
        if not mine.messages:
            del box.senders[sender]
        if not box.whole.messages:
            del self._boxes[place]
        if not self._of_sender[sender]:
            del self._of_sender[sender]

    def _fits(self, box: _Box, mine: _Fill, sender: str, size: int) -> bool:
        share = SHARE_OF_A_BOX if sender else 1
        of_all = SHARE_OF_ALL if sender else 1
        return (
            box.whole.messages < MAILBOX_MESSAGES_MAX
            and box.whole.bytes + size <= MAILBOX_BYTES_MAX
            and mine.messages < MAILBOX_MESSAGES_MAX // share
            and mine.bytes + size <= MAILBOX_BYTES_MAX // share
            and self.bytes + size <= MAIL_BYTES_MAX
            and self._of_sender[sender] + size <= MAIL_BYTES_MAX // of_all
        )
