"""What agents say to each other: what one sent, and what lies in a box until it is taken. Bounds by name."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

HOPS_MAX = 8  # a chain of messages each caused by the one before; people rarely need three
FAN_OUT_MAX = 64  # boxes that one event or broadcast may go to
MESSAGES_OF_A_TASK_MAX = 2000  # a task that needs more talks to itself
MAILBOX_MESSAGES_MAX = 256
MAILBOX_BYTES_MAX = 4 * 1024**2
MAIL_BYTES_MAX = 64 * 1024**2  # of all boxes: what the hub's memory pays for talk
SHARE_OF_A_BOX = 2  # one agent fills at most a half of any box: the others find room
SHARE_OF_ALL = 8  # … and an eighth of what all boxes may hold
PAYLOAD_BYTES_MAX = 64 * 1024
TAKEN_MAX = 16  # messages that one poll may take
TAKEN_BYTES_MAX = 512 * 1024  # payloads of one poll's answer, past the first message
RATE_PER_S = 20.0  # messages of one agent, all its containers together
RATE_BURST = 200
TTL_S = 600.0  # of what has no timeout of its own
REQUEST_TIMEOUT_S = 60.0
DEPTH_MAX = 4  # of delegation: a task, its child, …
CHILDREN_LIVE_MAX = 8  # of one task at once
CHILDREN_MAX = 32  # of one task in all

DEFAULT_KIND = "text"


class MessageType(StrEnum):
    """What a message is for. `delegate` goes to the hub alone, `delegated` comes from it."""

    REQUEST = "request"
    REPLY = "reply"
    EVENT = "event"
    BROADCAST = "broadcast"
    DELEGATE = "delegate"
    DELEGATED = "delegated"


class CheckName(StrEnum):
    """The checks that a message passes, in this order; a refusal names the one that refused."""

    IDENTITY = "identity"
    SCHEMA = "schema"
    SCOPE = "scope"
    LABEL = "label"
    JOURNAL = "journal"
    MAILBOX = "mailbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Whom a broadcast is for: name globs, labels and capabilities that an agent must all meet."""

    agents: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What an agent asked the hub to pass on, as its bytes said; nothing of it is proved.

    `id` is the sender's own. One of `to_agent`, `to_topic`, `to_message` and `to_filter` is set, by type.
    """

    id: str
    type: MessageType
    task: str
    attempt: int
    payload: dict[str, Any]
    kind: str = DEFAULT_KIND
    to_agent: str = ""
    to_topic: str = ""
    to_message: str = ""
    to_filter: Filter = Filter()
    timeout_s: float = REQUEST_TIMEOUT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message on its way: accepted and journaled, in a box until it is acknowledged or its time is up.

    `id` is the hub's own. `sender` and `sender_instance` are the verified subject's ("" instance:
    the hub itself wrote it); `label` is the sender's container's. `expires_s` is CLOCK_BOOTTIME,
    `sent_at_s` wall clock. With `for_attempt` it is delivered only while the recipient
    holds that (task, attempt). `bytes` is what it counts for in a box.
    """

    id: str
    type: MessageType
    sender: str
    label: str
    payload: dict[str, Any]
    bytes: int
    sent_at_s: float
    expires_s: float
    kind: str = DEFAULT_KIND
    sender_instance: str = ""
    topic: str = ""
    answers: str = ""
    hops: int = 0
    task: str = ""  # of a delegated one: the child
    for_attempt: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that may still be answered: who asked, under which attempt, and until when (boot time)."""

    message: str
    agent: str
    instance: str
    attempt: tuple[str, int]
    expires_s: float
