"""One connection of an agent's, step by step: head, place, leave from the hub, addresses, tunnel, end."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

from agentctl.egress.addresses import reachable
from agentctl.egress.carry import Tally, carry, connect
from agentctl.egress.hub_side import End, Granted, HubSide
from agentctl.egress.open_tunnels import OpenTunnels, Tunnel
from agentctl.egress.request import HEAD_BYTES_MAX, Connect, Request
from agentctl.egress.resolver import Resolver
from agentctl.egress.room import Room
from agentctl.egress.target import Target, shown, target_of
from agentctl.errors import AgentctlError, DestinationFailed, MalformedBody, Refused
from agentctl.model.principal import Peer

HEAD_S = 10.0  # a head is one packet; who drips it holds one of its own container's places
ANSWER_S = 5.0
# A no that the hub was asked for comes this late: with a container's 64 connections that is 256
# questions a second at most, however fast it asks, and nothing that an honest client notices.
REFUSAL_S = 0.25

log = logging.getLogger("agentctl.egress")


class Gone(Exception):
    """The client left before it had asked for anything."""


@dataclass(slots=True, kw_only=True)
class Proxy:
    """Serves connections; everything that it reaches is passed in. One event loop uses it."""

    hub: HubSide
    resolver: Resolver
    tunnels: OpenTunnels
    room: Room
    now_s: Callable[[], float]
    head_s: float = HEAD_S
    refusal_s: float = REFUSAL_S

    async def serve(self, client: socket.socket, peer: Peer) -> None:
        """Serve one connection to its end, and close it. Raises nothing that a client may cause."""
        full = self.room.enter(peer.container)
        try:
            if full is not None:
                await _answer(client, Request.refused(full))
            else:
                await self._served(client, peer)
        except (Gone, OSError):  # TimeoutError is one: a client that doesn't take its answer
            pass
        except Exception:  # the proxy outlives whatever goes wrong in one connection
            log.exception("a connection failed in a way that nobody planned for")
        finally:
            client.close()
            if full is None:
                self.room.leave(peer.container)

    async def _served(self, client: socket.socket, peer: Peer) -> None:
        request = Request()
        try:
            asked = await self._head(client, request)
            target, granted = await self._admitted(asked, peer)
            await self._tunnel(client, request, target, granted)
        except AgentctlError as why:
            await _answer(client, Request.refused(why))

    async def _admitted(self, asked: Connect, peer: Peer) -> tuple[Target, Granted]:
        """Return what the hub grants; a no of its, or one that it was told of, comes late."""
        try:
            target = await self._target(asked, peer)
            return target, await self.hub.admit(asked.token, peer.container, target)
        except AgentctlError:
            await asyncio.sleep(self.refusal_s)
            raise

    async def _head(self, client: socket.socket, request: Request) -> Connect:
        try:
            async with asyncio.timeout(self.head_s):
                while True:
                    received = await asyncio.get_running_loop().sock_recv(client, HEAD_BYTES_MAX)
                    if not received:
                        raise Gone
                    asked = request.feed(received)
                    if asked is not None:
                        return asked
        except TimeoutError as cause:
            raise MalformedBody(f"no request came within {self.head_s:g} s") from cause

    async def _target(self, asked: Connect, peer: Peer) -> Target:
        try:
            return target_of(asked.authority)
        except Refused as why:
            await self.hub.refused(peer.container, shown(asked.authority), why.detail)
            raise

    async def _tunnel(
        self, client: socket.socket, request: Request, target: Target, granted: Granted
    ) -> None:
        """Serve a tunnel that was granted; from here on the hub hears how it ended."""
        serving = asyncio.current_task()
        assert serving is not None
        tunnel, tally, began_s = Tunnel(granted, client, serving), Tally(self.now_s()), self.now_s()
        ended, why = "failed", ""
        self.tunnels.add(tunnel)
        try:
            ended = await self._carried(client, request, target, granted, tally)
        except asyncio.CancelledError:
            if not tunnel.cut_why:
                raise
            ended, why = tunnel.ended, tunnel.cut_why
        except (Refused, DestinationFailed) as refusal:
            ended = "refused" if isinstance(refusal, Refused) else "unreachable"
            why = refusal.detail
            raise type(refusal)(f"{granted.destination}: {why}", hint=refusal.hint) from refusal
        except OSError:
            why = "the connection broke"
        finally:
            self.tunnels.remove(tunnel)
            await self.hub.closed(
                granted.tunnel,
                End(
                    ended=ended,
                    why=why,
                    bytes_out=tally.bytes_out,
                    bytes_in=tally.bytes_in,
                    duration_s=self.now_s() - began_s,
                ),
            )

    async def _carried(
        self,
        client: socket.socket,
        request: Request,
        target: Target,
        granted: Granted,
        tally: Tally,
    ) -> str:
        """Connect to where the hub lets it lead, and nowhere else; return how it ended."""
        found = await self.resolver.addresses(target.host, target.port)
        server = await connect(reachable(found, granted.networks), target.port)
        try:
            await _answer(client, request.granted())
            return await carry(client, server, tally, early=request.early, now_s=self.now_s)
        finally:
            server.close()
            client.close()  # now: the hub, that is told next, may take its time


async def _answer(client: socket.socket, answer: bytes) -> None:
    async with asyncio.timeout(ANSWER_S):
        await asyncio.get_running_loop().sock_sendall(client, answer)
