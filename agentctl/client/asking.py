"""The hub as a process with many threads asks it: a connection for each question, and reports that aren't lost.

Gateway and egress have this in common; neither knows the other.
"""

import logging
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from agentctl.errors import AgentctlError, Unavailable

REPORTS_KEPT_MAX = 10_000  # an hour of a busy fleet's calls, at 200 bytes each
SENT_AT_ONCE_MAX = 100  # by who has calls or tunnels to watch over meanwhile: a tenth of a second

log = logging.getLogger("agentctl.client")


class HubClient(Protocol):
    """The part of client.Hub that is used here."""

    def post(
        self,
        path: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, Any]: ...

    def close(self) -> None: ...


def ask(client: HubClient, path: str, body: Any, *, timeout_s: float) -> dict[str, Any]:
    """POST and return the answer; raises what the hub answers, or HubUnavailable.

    One kept connection for each of hundreds of threads would fill the hub's listener, and one
    that the hub closed meanwhile would be a refusal; on a Unix socket a new one costs 50 µs.
    """
    try:
        return client.post(path, body, timeout_s=timeout_s)
    finally:
        client.close()


class Reports:
    """What the hub is told, kept while it is away: REPORTS_KEPT_MAX, the newest. Threads share it."""

    def __init__(self, client: HubClient, *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._kept: deque[tuple[str, Any]] = deque(maxlen=REPORTS_KEPT_MAX)

    def send(self, path: str, body: Any) -> None:
        """Report something now, or when the hub is back. Raises nothing."""
        if not self._sent(path, body):
            self._kept.append((path, body))

    def send_kept(self, *, at_most: int = SENT_AT_ONCE_MAX) -> None:
        """Send what a hub away has left behind, oldest first, until one fails again."""
        for _ in range(min(len(self._kept), at_most)):
            try:
                path, body = self._kept.popleft()
            except IndexError:
                return  # another thread sends them, too
            if not self._sent(path, body):
                self._kept.appendleft((path, body))
                return

    def _sent(self, path: str, body: Any) -> bool:
        """Return whether the hub has it, or never will."""
        try:
            ask(self._client, path, body, timeout_s=self._timeout_s)
        except Unavailable:
            return False
        except AgentctlError as why:
            log.error("the hub refused a report to %s: %s", path, why)
        return True
