"""The hub's WSGI apps, one for each listener: the same bricks, another table and another credential."""

from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

import falcon
import msgspec

from agentctl.hub import agents, credentials, model_calls, operators, pages, reconciler, tunnels
from agentctl.hub.endpoint import Authenticate, Endpoint
from agentctl.hub.openapi import openapi
from agentctl.hub.route import Answer, Route
from agentctl.web import problems

if TYPE_CHECKING:
    from agentctl.service.context import Hub

App = falcon.App[falcon.Request, falcon.Response]

_BEARER = {"type": "http", "scheme": "bearer"}


def agents_app(hub: "Hub") -> App:
    """Return the app of the agents' socket: by JWT-SVID, from its own container."""
    scheme = {**_BEARER, "bearerFormat": "JWT-SVID"}
    return _app(hub, agents.routes(), credentials.by_svid, title="agents", scheme=scheme)


def operators_app(hub: "Hub", *, by: Literal["peer", "token"]) -> App:
    """Return the operators' app: `by` peer credentials on a Unix socket, or by token over TCP."""
    authenticate = credentials.by_peer if by == "peer" else credentials.by_token
    scheme = None if by == "peer" else _BEARER
    app = _app(hub, operators.ROUTES, authenticate, title="operators", scheme=scheme)
    pages.mount(app, hub, by=by)
    return app


def gateway_app(hub: "Hub") -> App:
    """Return the app of the gateway's socket."""
    return _app(hub, model_calls.ROUTES, credentials.by_socket, title="gateway", scheme=None)


def egress_app(hub: "Hub") -> App:
    """Return the app of the egress proxy's socket."""
    return _app(hub, tunnels.ROUTES, credentials.by_socket, title="egress", scheme=None)


def reconciler_app(hub: "Hub") -> App:
    """Return the app of the reconciler's socket."""
    return _app(hub, reconciler.routes(), credentials.by_socket, title="reconciler", scheme=None)


def _app(
    hub: "Hub",
    table: Iterable[Route[Any]],
    authenticate: Authenticate,
    *,
    title: str,
    scheme: dict[str, Any] | None,
) -> App:
    routes = (*table, _described(hub, tuple(table), title, scheme))
    app = falcon.App()
    problems.install(app)
    app.req_options.strip_url_path_trailing_slash = False
    for path, group in groupby(sorted(routes, key=_path), key=_path):
        app.add_route(path, Endpoint(hub, tuple(group), authenticate))
    return app


def _path(route: Route[Any]) -> str:
    return route.path


def _described(
    hub: "Hub", table: tuple[Route[Any], ...], title: str, scheme: dict[str, Any] | None
) -> Route[Any]:
    """Return the route of /openapi.json; behind the listener's own credential, as everything is."""
    found = openapi(table, title=f"agentctl hub: {title}", version=hub.version, scheme=scheme)
    text = msgspec.json.encode(found).decode()
    return Route(
        method="GET",
        path="/openapi.json",
        summary="This document.",
        answer=lambda _call: Answer(text),
    )
