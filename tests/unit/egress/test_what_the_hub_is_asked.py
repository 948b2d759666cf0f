"""How egress asks the hub: what has to be cut is asked about at once, however many wait for leave."""

import asyncio
import threading
from typing import Any

from agentctl.egress.hub_side import ASKERS, HubSide
from agentctl.egress.target import Target
from agentctl.errors import Unavailable

SITE = Target(host="git.example", port=443)


class SlowToGrant:
    """A hub whose leave hangs on a slow OPA, until `over`; the rest it answers at once."""

    def __init__(self) -> None:
        self.over = threading.Event()

    def post(self, path: str, *_: Any, **__: Any) -> dict[str, Any]:
        if path == "/api/hub/tunnels/current":
            return {"current": []}
        self.over.wait()
        raise Unavailable("no answer from OPA")

    def close(self) -> None:
        pass


async def watched(hub: SlowToGrant) -> frozenset[str]:
    side = HubSide(hub)
    asking = [asyncio.create_task(side.admit("t", "c", SITE)) for _ in range(ASKERS * 2)]
    try:
        await asyncio.sleep(0)
        async with asyncio.timeout(2):
            return await side.current(["t"])
    finally:
        hub.over.set()
        await asyncio.gather(*asking, return_exceptions=True)
        side.close()


def test_many_that_wait_for_leave_keep_no_tunnel_open_that_must_end() -> None:
    assert asyncio.run(watched(SlowToGrant())) == frozenset()
