"""Slow, many, silent and endless: each is bounded, and others are served meanwhile. In this process."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from agentctl.egress.carry import How, Tally, carry
from agentctl.egress.hub_side import Granted, HubSide
from agentctl.egress.open_tunnels import UNCONFIRMED_S_MAX, OpenTunnels, Tunnel
from agentctl.egress.proxy import Proxy
from agentctl.egress.resolver import Resolver
from agentctl.egress.room import Room
from agentctl.errors import DestinationFailed, HubUnavailable
from agentctl.model.principal import Peer
from agentd.forwarder import copy_both_ways
from tests.unit.egress.test_the_one_request import head

HOSTILE, OTHER = Peer(container="a" * 64), Peer(container="b" * 64)


class Client:
    """The hub's client: grants everything at 127.0.0.1, or is away."""

    def __init__(self) -> None:
        self.away = False
        self.said: list[tuple[str, Any]] = []

    def post(self, path: str, body: Any, headers: Any = None, timeout_s: Any = None) -> Any:
        if self.away:
            raise HubUnavailable("the hub at /run/x/egress.sock does not answer")
        self.said.append((path, body))
        if path.endswith("/current"):
            return {"current": body["tunnels"]}
        return {"tunnel": "tun-1", "destination": "here", "networks": ["127.0.0.0/8"]}

    def close(self) -> None:
        pass


class Stage:
    def __init__(self, *, find: Any = lambda *_: ["127.0.0.1"], **more: Any) -> None:
        self.client = Client()
        self.now = 100.0
        self.hub = HubSide(self.client)
        self.tunnels = OpenTunnels(self.hub, now_s=lambda: self.now)
        room = Room(connections_max=6, container_connections_max=4)
        self.proxy = Proxy(
            hub=self.hub,
            resolver=Resolver(find, within_s=0.2),
            tunnels=self.tunnels,
            room=room,
            now_s=lambda: self.now,
            **more,
        )
        self.serving: list[asyncio.Task[None]] = []

    def connect(self, peer: Peer = HOSTILE) -> socket.socket:
        """Return an agent's end of a connection that is being served."""
        ours, theirs = socket.socketpair()
        for each in (ours, theirs):
            each.setblocking(False)
        self.serving.append(asyncio.create_task(self.proxy.serve(theirs, peer)))
        return ours


async def heard(client: socket.socket) -> bytes:
    """Return all that is said up to the end."""
    loop, said = asyncio.get_running_loop(), b""
    with suppress(ConnectionError):
        while chunk := await loop.sock_recv(client, 65536):
            said += chunk
    return said


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await work()

    asyncio.run(bounded())


def test_a_head_that_drips_is_waited_for_in_all_not_by_the_byte() -> None:
    async def work() -> None:
        stage = Stage(head_s=0.3)
        client = stage.connect()

        async def drip() -> None:
            with suppress(OSError):
                for byte in head():
                    await asyncio.get_running_loop().sock_sendall(client, bytes([byte]))
                    await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        assert (await heard(client)).startswith(b"HTTP/1.1 400")
        await dripping
        assert stage.client.said == []
        assert stage.proxy.room.held == 0

    run(work)


def test_a_container_has_its_share_of_connections_and_others_have_theirs() -> None:
    async def work() -> None:
        stage = Stage(head_s=5.0)
        idle = [stage.connect() for _ in range(4)]
        await asyncio.sleep(0)
        assert (await heard(stage.connect())).startswith(b"HTTP/1.1 429")
        idle += [stage.connect(OTHER) for _ in range(2)]
        await asyncio.sleep(0)
        assert (await heard(stage.connect(OTHER))).startswith(b"HTTP/1.1 503")
        for each in idle:
            each.close()
        await asyncio.gather(*stage.serving)
        assert stage.proxy.room.held == 0

    run(work)


def test_a_no_that_the_hub_was_asked_for_comes_late() -> None:
    async def work() -> None:
        stage, loop = Stage(refusal_s=0.3), asyncio.get_running_loop()
        stage.client.away = True
        for asked, least_s in ((head(), 0.3), (head(b"CONNECT 0x7f.1:1 HTTP/1.1"), 0.3)):
            client, began_s = stage.connect(), loop.time()
            await loop.sock_sendall(client, asked)
            assert (await heard(client)).startswith((b"HTTP/1.1 503", b"HTTP/1.1 403"))
            assert loop.time() - began_s >= least_s
        client, began_s = stage.connect(), loop.time()
        await loop.sock_sendall(client, head(credential=b"none"))
        assert (await heard(client)).startswith(b"HTTP/1.1 407")
        assert loop.time() - began_s < 0.3, "libcurl asks without a credential first"

    run(work)


def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    release = threading.Event()

    def hangs(*_: Any) -> Sequence[str]:
        release.wait(10)
        return []

    async def work() -> None:
        stage = Stage(find=hangs)
        client = stage.connect()
        await asyncio.get_running_loop().sock_sendall(client, head())
        assert (await heard(client)).startswith(b"HTTP/1.1 502")
        release.set()
        _, end = stage.client.said[-1]
        assert end["why"] == "its name could not be resolved in time"

    run(work)


@pytest.mark.parametrize(("idle_s", "within_s", "how"), [(0.5, 99, How.IDLE), (99, 0.5, How.TIME)])
def test_a_tunnel_that_says_nothing_or_never_ends_is_ended(
    idle_s: float, within_s: float, how: How
) -> None:
    async def work() -> None:
        (agent, client), (server, far) = socket.socketpair(), socket.socketpair()
        for each in (agent, client, server, far):
            each.setblocking(False)
        ended = await carry(
            client,
            server,
            Tally(0.0),
            early=b"first",
            now_s=asyncio.get_running_loop().time,
            idle_s=idle_s,
            within_s=within_s,
        )
        assert ended is how
        assert far.recv(99) == b"first"

    run(work)


def test_an_end_of_one_direction_is_passed_on_while_the_other_goes_on() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        (agent, client), (server, far) = socket.socketpair(), socket.socketpair()
        for each in (agent, client, server, far):
            each.setblocking(False)
        tally = Tally(0.0)
        carried = asyncio.create_task(carry(client, server, tally, early=b"", now_s=loop.time))
        await loop.sock_sendall(agent, b"question")
        agent.shutdown(socket.SHUT_WR)
        assert await heard(far) == b"question"
        await loop.sock_sendall(far, b"answer")
        far.close()
        assert await heard(agent) == b"answer"
        assert await carried is How.DONE
        assert (tally.bytes_out, tally.bytes_in) == (8, 6)

    run(work)


def test_a_hub_that_is_away_is_waited_for_a_while_and_then_tunnels_end() -> None:
    async def work() -> None:
        stage = Stage()
        client, _other = socket.socketpair()
        never = asyncio.create_task(asyncio.sleep(60))
        granted = Granted(tunnel="tun-1", destination="here", networks=())
        tunnel = Tunnel(granted, client, never)
        stage.tunnels.add(tunnel)
        stage.client.away = True
        stage.now += UNCONFIRMED_S_MAX
        await stage.tunnels.look()
        assert tunnel.cut_why == ""
        stage.now += 0.1
        await stage.tunnels.look()
        assert "the hub is away" in tunnel.cut_why
        with suppress(asyncio.CancelledError):
            await never
        assert never.cancelled()

    run(work)


def test_ends_that_the_hub_did_not_hear_are_told_when_it_is_back() -> None:
    async def work() -> None:
        stage = Stage(find=_no_address)
        client = stage.connect()
        await asyncio.get_running_loop().sock_sendall(client, head())
        stage.client.away = False
        said = heard(client)
        while not stage.client.said:
            await asyncio.sleep(0)
        stage.client.away = True
        await said
        await asyncio.gather(*stage.serving)
        stage.client.away = False
        await stage.hub.send_unsent()
        assert stage.client.said[-1][0] == "/api/hub/tunnels/tun-1/closed"

    run(work)


def _no_address(*_: Any) -> Sequence[str]:
    raise OSError("no such name")


def test_what_agentd_carries_goes_on_one_way_while_the_other_way_is_not_read() -> None:
    """A client that uploads and reads nothing yet, a server that answers all the while."""
    (agent, ours), (theirs, server) = socket.socketpair(), socket.socketpair()
    copying = threading.Thread(target=copy_both_ways, args=(ours, theirs), daemon=True)
    copying.start()
    large = 4_000_000
    answering = threading.Thread(target=server.sendall, args=(bytes(large),), daemon=True)
    answering.start()
    agent.settimeout(10)
    taken = []
    reading = threading.Thread(target=lambda: taken.append(_read(server, large)), daemon=True)
    reading.start()
    agent.sendall(bytes(large))
    reading.join(10)
    assert taken == [large]
    assert _read(agent, large) == large


def _read(sock: socket.socket, most: int) -> int:
    got = 0
    while got < most:
        got += len(sock.recv(65536))
    return got


def test_what_cannot_be_reached_says_so_in_one_word() -> None:
    async def work() -> None:
        with pytest.raises(DestinationFailed, match="no address"):
            await Resolver(_no_address).addresses("x", 1)

    run(work)
