"""Who asks, on each listener: the socket is the role, the kernel or a token says who."""

import re
from typing import TYPE_CHECKING, Any

import falcon

from agentctl.errors import Unauthenticated
from agentctl.hub.browsers import refuse_browsers
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Peer
from agentctl.service import authenticate

if TYPE_CHECKING:
    from agentctl.service.context import Hub

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,4096}=*)", re.IGNORECASE)  # RFC 6750 §2.1


def peer(environ: dict[str, Any]) -> Peer:
    """Return the peer that the server attributed; a peer nobody attributed is nobody."""
    found = environ.get("agentctl.peer")
    return found if isinstance(found, Peer) else Peer()


def bearer(header: str | None) -> str:
    """Return the token of an Authorization header; raises Unauthenticated, never repeating it."""
    found = _BEARER.fullmatch(header or "")
    if found is None:
        missing = "no credential" if not header else "a credential that is no bearer token"
        raise Unauthenticated(
            f"this request has {missing}", hint="send the header Authorization: Bearer <token>"
        )
    return found[1]


def by_svid(hub: "Hub", req: falcon.Request) -> AgentPrincipal:
    """An agent, by its JWT-SVID and the container that the kernel says it comes from."""
    return authenticate.agent(hub, bearer(req.get_header("Authorization")), peer(req.env))


def by_peer(hub: "Hub", req: falcon.Request) -> OperatorPrincipal:
    """An operator on the Unix socket, by the account that the kernel says it runs as; no browser."""
    refuse_browsers(req)
    return authenticate.operator_by_peer(hub, peer(req.env))


def by_token(hub: "Hub", req: falcon.Request) -> OperatorPrincipal:
    """An operator over TCP, by an operator token."""
    return authenticate.operator_by_token(hub, bearer(req.get_header("Authorization")))


def by_socket(_hub: "Hub", _req: falcon.Request) -> None:
    """Gateway, egress and reconciler: only the hub's own account can open their sockets."""
    return
