"""The egress proxy's listener: may this tunnel be opened, is it still wanted, what went through it."""

from agentctl.hub.route import Answer, Call, Route
from agentctl.service import tunnels


def open_tunnel(call: Call[None]) -> Answer:
    """Grant a tunnel to the attempt whose token it carries, or refuse it."""
    return Answer(tunnels.open_tunnel(call.hub, call.body))


def current(call: Call[None]) -> Answer:
    """Those of the open tunnels whose attempt and declaration still stand."""
    return Answer({"current": tunnels.current(call.hub, call.body["tunnels"])})


def refused(call: Call[None]) -> Answer:
    """Record what the proxy refused by itself."""
    return Answer(tunnels.refused(call.hub, call.body))


def closed(call: Call[None]) -> Answer:
    """Record how a tunnel ended."""
    return Answer(tunnels.closed(call.hub, call.path["tunnel"], call.body))


ROUTES: tuple[Route[None], ...] = (
    Route(
        method="POST",
        path="/api/hub/tunnels",
        summary="Ask leave for a tunnel.",
        answer=open_tunnel,
        body="api/tunnel",
        problems=(401, 403, 409, 429),
    ),
    Route(
        method="POST",
        path="/api/hub/tunnels/current",
        summary="Ask which open tunnels are still wanted.",
        answer=current,
        body="api/tunnels.current",
    ),
    Route(
        method="POST",
        path="/api/hub/tunnels/refused",
        summary="Report what was refused without asking.",
        answer=refused,
        body="api/tunnel.refused",
    ),
    Route(
        method="POST",
        path="/api/hub/tunnels/{tunnel}/closed",
        summary="Report how a tunnel ended.",
        answer=closed,
        body="api/tunnel.closed",
    ),
)
