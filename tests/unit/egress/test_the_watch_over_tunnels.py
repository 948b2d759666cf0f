"""One look at the tunnels under way: what the hub no longer wants is cut, what has ended by itself isn't."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from agentctl.egress.hub_side import Granted, HubSide
from agentctl.egress.open_tunnels import OpenTunnels, Tunnel


class Wants:
    """A hub that wants nothing any more; `meanwhile` happens while it is asked."""

    meanwhile: Callable[[], object] = staticmethod(lambda: None)

    async def current(self, _tunnels: Sequence[str]) -> frozenset[str]:
        self.meanwhile()
        return frozenset()


async def looked(*, ends_meanwhile: bool) -> str:
    """Return why a tunnel was cut by a look, "" when it wasn't."""
    hub = Wants()
    tunnels = OpenTunnels(cast(HubSide, hub), now_s=lambda: 0.0)
    near, far = socket.socketpair()
    with near, far:
        serving = asyncio.create_task(asyncio.sleep(10))
        granted = Granted(tunnel="t", destination="d", networks=())
        tunnel = Tunnel(granted, near, serving)
        tunnels.add(tunnel)
        if ends_meanwhile:
            hub.meanwhile = lambda: tunnels.remove(tunnel)
        await tunnels.look()
        serving.cancel()
        return tunnel.cut_why


@pytest.mark.parametrize("ends_meanwhile", [False, True])
def test_one_that_ended_while_the_hub_was_asked_is_left_to_tell_its_end(
    ends_meanwhile: bool,
) -> None:
    why = asyncio.run(looked(ends_meanwhile=ends_meanwhile))
    assert bool(why) is not ends_meanwhile
