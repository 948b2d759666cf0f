"""What egress asks the hub: may this tunnel be opened, which are still wanted, how did it end.

The client blocks, so each question is asked on a thread; a few are enough, and a flood waits.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

from agentctl.egress.target import Target
from agentctl.errors import AgentctlError, HubUnavailable, Unavailable

ASKERS = 8  # the hub's listener has as many threads, and one for the watch
ASK_TIMEOUT_S = 5.0
REPORTS_KEPT_MAX = 10_000  # ends that a hub away hasn't heard of, at 200 bytes each

log = logging.getLogger("agentctl.egress")


class HubClient(Protocol):
    """The part of client.Hub that egress uses."""

    def post(
        self,
        path: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, Any]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The hub's leave for one tunnel; `networks` are where the name may lead besides public addresses."""

    tunnel: str
    destination: str
    networks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a tunnel ended (`ended` is a word of api/tunnel.closed), and what went through it."""

    ended: str
    why: str = ""
    bytes_out: int = 0
    bytes_in: int = 0
    duration_s: float = 0.0


@dataclass(slots=True)
class HubSide:
    """The hub, as egress needs it; used from one event loop."""

    client: HubClient
    _askers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(ASKERS, thread_name_prefix="ask")
    )
    # Of its own: leave may wait for OPA, and what has to be cut must not wait behind that.
    _watcher: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="watch")
    )
    _unsent: deque[tuple[str, dict[str, Any]]] = field(
        default_factory=lambda: deque(maxlen=REPORTS_KEPT_MAX)
    )

    async def admit(self, token: str, container: str, target: Target) -> Granted:
        """Ask leave for a tunnel. Raises what the hub answers; a hub that is away is a no."""
        body = {"token": token, "container": container, "host": target.host, "port": target.port}
        try:
            answer = await self._post("/api/hub/tunnels", body)
        except HubUnavailable as cause:
            # its own words name a path of this machine; an agent needs to know neither
            raise HubUnavailable("the hub is away; try again", retry_after_s=5) from cause
        return Granted(
            tunnel=answer["tunnel"],
            destination=answer["destination"],
            networks=tuple(answer["networks"]),
        )

    async def refused(self, container: str, target: str, why: str) -> None:
        """Say what was refused without asking. Raises nothing: it is refused whoever hears of it."""
        body = {"container": container, "target": target, "why": why}
        try:
            await self._post("/api/hub/tunnels/refused", body)
        except AgentctlError as cause:
            log.warning("a refusal isn't in the journal: %s", cause)

    async def current(self, tunnels: Sequence[str]) -> frozenset[str]:
        """Return those of the open tunnels that are still wanted."""
        body = {"tunnels": list(tunnels)}
        answer = await self._post("/api/hub/tunnels/current", body, on=self._watcher)
        return frozenset(answer["current"])

    async def closed(self, tunnel: str, end: End) -> None:
        """Say how a tunnel ended; kept and sent later when the hub is away. Raises nothing."""
        body = {
            "ended": end.ended,
            "why": end.why,
            "bytes_out": end.bytes_out,
            "bytes_in": end.bytes_in,
            "duration_s": round(end.duration_s, 3),
        }
        if not await self._closed(tunnel, body):
            self._unsent.append((tunnel, body))

    async def send_unsent(self) -> None:
        """Send the ends that a hub away has left behind, oldest first, until one fails again."""
        for _ in range(len(self._unsent)):
            tunnel, body = self._unsent.popleft()
            if not await self._closed(tunnel, body):
                self._unsent.appendleft((tunnel, body))
                return

    def close(self) -> None:
        """End the threads; one that still waits for the hub ends with its timeout."""
        for each in (self._askers, self._watcher):
            each.shutdown(wait=False, cancel_futures=True)

    async def _closed(self, tunnel: str, body: dict[str, Any]) -> bool:
        """Return whether the hub has it, or never will."""
        try:
            await self._post(f"/api/hub/tunnels/{tunnel}/closed", body)
        except Unavailable:
            return False
        except AgentctlError as why:
            log.error("the hub refused the end of %s: %s", tunnel, why)
        return True

    async def _post(
        self, path: str, body: Any, *, on: ThreadPoolExecutor | None = None
    ) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(on or self._askers, self._ask, path, body)

    def _ask(self, path: str, body: Any) -> dict[str, Any]:
        try:
            return self.client.post(path, body, timeout_s=ASK_TIMEOUT_S)
        finally:
            self.client.close()  # a kept one that the hub closed meanwhile would be a refusal
