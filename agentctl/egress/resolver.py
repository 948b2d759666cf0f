"""A host's addresses, once for each tunnel, within a time; only of hosts that the hub has granted.

So no name of an agent's own making is ever looked up: a name server would hear what it says.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from agentctl.errors import DestinationFailed

RESOLVE_S = 5.0
LOOKUPS_MAX = 16  # at once; a name server that hangs holds these threads and no more

Lookup = Callable[[str, int], Sequence[str]]


def lookup(host: str, port: int) -> Sequence[str]:
    """Return a host's addresses in the system's order, as text. Raises OSError."""
    # As bytes: of a str Python would make another name, by IDNA.
    found = socket.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


class Resolver:
    """Looks names up on threads of its own."""

    def __init__(self, find: Lookup = lookup, *, within_s: float = RESOLVE_S) -> None:
        self._find = find
        self._within_s = within_s
        self._threads = ThreadPoolExecutor(LOOKUPS_MAX, thread_name_prefix="resolve")

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return a host's addresses, at least one. Raises DestinationFailed."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._within_s):
                found = await loop.run_in_executor(self._threads, self._find, host, port)
        except TimeoutError as cause:
            raise DestinationFailed("its name could not be resolved in time") from cause
        except (OSError, UnicodeError) as cause:
            raise DestinationFailed("its name has no address") from cause
        if not found:
            raise DestinationFailed("its name has no address")
        return found

    def close(self) -> None:
        """End the threads; one in the middle of a look-up ends with it."""
        self._threads.shutdown(wait=False, cancel_futures=True)
