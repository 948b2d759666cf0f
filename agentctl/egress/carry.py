"""Connecting to a checked address, and copying bytes both ways until an end, a bound or a cut."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from agentctl.errors import DestinationFailed
from agentctl.model.networks import Address

CONNECT_S = 5.0
TRIED_MAX = 4  # of a name's addresses; one that answers at none of them is down
CHUNK_BYTES = 64 * 1024  # all that waits in each direction: a slow reader slows its writer
IDLE_S = 300.0  # longer than a server thinks about a clone
TUNNEL_S_MAX = 2 * 3600.0  # a clone over a slow line; what is longer asks again
LOOK_S = 1.0


class How(StrEnum):
    """How copying ended by itself."""

    DONE = "done"
    IDLE = "idle"
    TIME = "time"


@dataclass(slots=True)
class Tally:
    """What has gone through, and when the last byte did (monotonic seconds)."""

    last_s: float
    bytes_out: int = 0
    bytes_in: int = 0


async def connect(addresses: Sequence[Address], port: int) -> socket.socket:
    """Return a connection to the first address that answers. Raises DestinationFailed."""
    for address in addresses[:TRIED_MAX]:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:  # TimeoutError is one
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise DestinationFailed("it doesn't answer")


async def carry(
    client: socket.socket,
    server: socket.socket,
    tally: Tally,
    *,
    early: bytes,
    now_s: Callable[[], float],
    idle_s: float = IDLE_S,
    within_s: float = TUNNEL_S_MAX,
) -> How:
    """Copy until both directions have ended; an end is passed on as an end. Raises OSError on a break."""
    began_s = tally.last_s = now_s()

    def out(count: int) -> None:
        tally.bytes_out, tally.last_s = tally.bytes_out + count, now_s()

    def back(count: int) -> None:
        tally.bytes_in, tally.last_s = tally.bytes_in + count, now_s()

    ways = {
        asyncio.create_task(_copy(client, server, out, early)),
        asyncio.create_task(_copy(server, client, back, b"")),
    }
    try:
        left = ways
        while left:
            done, left = await asyncio.wait(
                left, timeout=LOOK_S, return_when=asyncio.FIRST_EXCEPTION
            )
            for each in done:
                each.result()
            if left and now_s() - tally.last_s > idle_s:
                return How.IDLE
            if left and now_s() - began_s > within_s:
                return How.TIME
        return How.DONE
    finally:
        for each in ways:
            each.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(
    source: socket.socket, sink: socket.socket, count: Callable[[int], None], first: bytes
) -> None:
    loop = asyncio.get_running_loop()
    chunk = first or await loop.sock_recv(source, CHUNK_BYTES)
    while chunk:
        await loop.sock_sendall(sink, chunk)
        count(len(chunk))
        chunk = await loop.sock_recv(source, CHUNK_BYTES)
    with suppress(OSError):  # the other end may be gone altogether
        sink.shutdown(socket.SHUT_WR)
