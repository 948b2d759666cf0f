"""How many connections there may be: in all, and of each container; so that one never takes it all."""

from collections import Counter

from agentctl.errors import AgentctlError, Throttled, Unavailable

CONNECTIONS_MAX = 384  # two descriptors each, below the usual limit of 1,024
CONTAINER_CONNECTIONS_MAX = 64  # npm opens 15 at once, git one or two; agentd carries no more


class Room:
    """Counts connections, with or without a tunnel; used from one event loop alone."""

    def __init__(
        self,
        *,
        connections_max: int = CONNECTIONS_MAX,
        container_connections_max: int = CONTAINER_CONNECTIONS_MAX,
    ) -> None:
        self._connections_max = connections_max
        self._container_max = container_connections_max
        self._held: Counter[str] = Counter()

    def enter(self, container: str) -> AgentctlError | None:
        """Take a place, to be given back by `leave`; return why there is none."""
        if self._held[container] >= self._container_max:
            return Throttled(
                f"a container has at most {self._container_max} connections here", retry_after_s=2
            )
        if self._held.total() >= self._connections_max:
            return Unavailable("egress is full", retry_after_s=5)
        self._held[container] += 1
        return None

    def leave(self, container: str) -> None:
        """Give a place back."""
        self._held[container] -= 1
        if self._held[container] <= 0:
            del self._held[container]

    @property
    def held(self) -> int:
        """How many connections there are."""
        return self._held.total()
