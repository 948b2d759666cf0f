"""What egress asks the hub: may this tunnel be opened, which are still wanted, how did it end.

The client blocks, so each question is asked on a thread; a few are enough, and a flood waits.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from agentctl.client.asking import HubClient, Reports, ask
from agentctl.egress.target import Target
from agentctl.errors import AgentctlError, HubUnavailable

ASKERS = 8  # the hub's listener has as many threads, and one for the watch
ASK_TIMEOUT_S = 5.0

T = TypeVar("T")

log = logging.getLogger("agentctl.egress")


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
    _reports: Reports = field(init=False)

    def __post_init__(self) -> None:
        self._reports = Reports(self.client, timeout_s=ASK_TIMEOUT_S)

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
        path = f"/api/hub/tunnels/{tunnel}/closed"
        await self._on(self._askers, lambda: self._reports.send(path, body))

    async def send_unsent(self) -> None:
        """Send the ends that a hub away has left behind, oldest first, until one fails again."""
        await self._on(self._watcher, self._reports.send_kept)

    def close(self) -> None:
        """End the threads; one that still waits for the hub ends with its timeout."""
        for each in (self._askers, self._watcher):
            each.shutdown(wait=False, cancel_futures=True)

    async def _post(
        self, path: str, body: Any, *, on: ThreadPoolExecutor | None = None
    ) -> dict[str, Any]:
        return await self._on(
            on or self._askers, lambda: ask(self.client, path, body, timeout_s=ASK_TIMEOUT_S)
        )

    async def _on(self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work)
