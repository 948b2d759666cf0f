"""The tunnels under way, and the watch that ends those that nobody wants any more."""

import asyncio
import logging
import select
import socket
from collections.abc import Callable

from agentctl.egress.hub_side import Granted, HubSide
from agentctl.errors import AgentctlError

WATCH_S = 1.0
# A hub that is away can neither supersede an attempt nor take a destination back, but panic can't
# be ordered either; so tunnels outlive its restart (a second or two), and not much more.
UNCONFIRMED_S_MAX = 10.0

log = logging.getLogger("agentctl.egress")


class Tunnel:
    """One tunnel from the hub's leave on: whose connection it is, and the task that serves it."""

    def __init__(
        self, granted: Granted, client: socket.socket, serving: "asyncio.Task[None]"
    ) -> None:
        self.granted = granted
        self.client = client
        self.confirmed_at_s = 0.0
        self.cut_why = ""
        self.ended = ""
        self._serving = serving

    def cut(self, why: str, *, ended: str = "cut") -> None:
        """End it now, for this reason; the first reason counts."""
        if not self.cut_why:
            self.cut_why, self.ended = why, ended
            self._serving.cancel()


class OpenTunnels:
    """All tunnels under way, and one `watch` over them; `now_s` is monotonic."""

    def __init__(self, hub: HubSide, *, now_s: Callable[[], float]) -> None:
        self._hub = hub
        self._now_s = now_s
        self._tunnels: set[Tunnel] = set()
        self._hub_away = False

    def add(self, tunnel: Tunnel) -> None:
        """Watch over a tunnel from now on; the hub has just granted it."""
        tunnel.confirmed_at_s = self._now_s()
        self._tunnels.add(tunnel)

    def remove(self, tunnel: Tunnel) -> None:
        """Watch over it no more; it has ended."""
        self._tunnels.discard(tunnel)

    def __len__(self) -> int:
        return len(self._tunnels)

    async def watch(self) -> None:
        """Look once a second until cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                await self.look()
                await self._hub.send_unsent()
            except Exception:  # the watch outlives whatever goes wrong in one look
                log.exception("the watch over tunnels failed; it goes on")

    async def look(self) -> None:
        """End tunnels whose client is gone; ask the hub once about all others, end what isn't current."""
        for tunnel in [each for each in self._tunnels if _gone(each.client)]:
            tunnel.cut("the client is gone", ended="done")
        left = [each for each in self._tunnels if not each.cut_why]
        if not left:
            return
        try:
            current = await self._hub.current([each.granted.tunnel for each in left])
        except AgentctlError as why:
            self._unconfirmed(left, why)
            return
        self._hub_away = False
        for tunnel in left:
            if tunnel not in self._tunnels:
                continue  # it ended meanwhile, and its end is being told: that isn't broken off
            if tunnel.granted.tunnel in current:
                tunnel.confirmed_at_s = self._now_s()
            else:
                tunnel.cut("its attempt or its declaration is no longer current")

    def cut_all(self, why: str) -> None:
        """End every tunnel, say at shutdown."""
        for tunnel in tuple(self._tunnels):
            tunnel.cut(why)

    def _unconfirmed(self, tunnels: list[Tunnel], why: AgentctlError) -> None:
        if not self._hub_away:
            log.warning("%d tunnels go on without the hub's word: %s", len(tunnels), why)
        self._hub_away = True
        for tunnel in tunnels:
            if self._now_s() - tunnel.confirmed_at_s > UNCONFIRMED_S_MAX:
                tunnel.cut("the hub is away, so nobody can say whether this is still wanted")


def _gone(client: socket.socket) -> bool:
    """Whether the other end closed for good; one that only ended its sending may still read."""
    if client.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(client, 0)  # POLLHUP and POLLERR are always told
    return bool(poll.poll(0))
