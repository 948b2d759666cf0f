"""How much of the gateway calls may take: in all, and each container; so that one never takes it all."""

import threading
from collections import Counter

from agentctl.errors import Throttled, TooLarge, Unavailable

BODY_BYTES_MAX = 32 * 1024 * 1024  # the provider's own bound
BODIES_BYTES_MAX = 512 * 1024 * 1024  # sixteen of the largest; a usual one has half a MiB
CALLS_MAX = 240  # each holds a thread while it streams
CONTAINER_CALLS_MAX = 16  # the CLI makes a few at once, for subagents and side questions


class Place:
    """What one call takes, from `Room.enter` to `leave`."""

    def __init__(self, room: "Room", container: str, body_bytes: int) -> None:
        self._room = room
        self._container = container
        self._body_bytes = body_bytes
        self._left = False

    @property
    def body_bytes(self) -> int:
        """The size of the call's body."""
        return self._body_bytes

    def leave(self) -> None:
        """Give it back; twice is once."""
        if not self._left:
            self._left = True
            self._room.give_back(self._container, self._body_bytes)


class Room:
    """Counts the calls in flight and the bytes of their bodies. Threads share it."""

    def __init__(
        self,
        *,
        calls_max: int = CALLS_MAX,
        container_calls_max: int = CONTAINER_CALLS_MAX,
        bytes_max: int = BODIES_BYTES_MAX,
    ) -> None:
        self._calls_max = calls_max
        self._container_calls_max = container_calls_max
        self._bytes_max = bytes_max
        self._calls: Counter[str] = Counter()
        self._bytes = 0
        self._lock = threading.Lock()

    def enter(self, container: str, body_bytes: int) -> Place:
        """Take a place for a call. Raises TooLarge, Throttled (this container's share), Unavailable."""
        if body_bytes > BODY_BYTES_MAX:
            raise TooLarge(f"a model call has at most {BODY_BYTES_MAX} bytes")
        with self._lock:
            if self._calls[container] >= self._container_calls_max:
                raise Throttled(
                    f"a container makes at most {self._container_calls_max} model calls at once",
                    retry_after_s=2,
                )
            if self._calls.total() >= self._calls_max or self._bytes + body_bytes > self._bytes_max:
                raise Unavailable("the gateway is full", retry_after_s=5)
            self._calls[container] += 1
            self._bytes += body_bytes
        return Place(self, container, body_bytes)

    def give_back(self, container: str, body_bytes: int) -> None:
        """Take back what a place held; called by the place."""
        with self._lock:
            self._bytes -= body_bytes
            self._calls[container] -= 1
            if self._calls[container] <= 0:
                del self._calls[container]

    @property
    def calls(self) -> int:
        """How many calls are in flight."""
        return self._calls.total()
