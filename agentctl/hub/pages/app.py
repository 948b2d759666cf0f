"""The dashboard's part of an operators' app: pages, their files and, over TCP, signing in and out."""

from typing import TYPE_CHECKING, Any, Literal

import falcon

from agentctl.hub.credentials import peer
from agentctl.hub.pages import signing
from agentctl.hub.pages.answers import HEADERS
from agentctl.hub.pages.page import PAGES
from agentctl.hub.pages.printed import Printed
from agentctl.hub.pages.resource import PageResource
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import authenticate

if TYPE_CHECKING:
    from agentctl.service.context import Hub

FOR_EVER = "public, max-age=31536000, immutable"  # its address holds its digest


def mount(app: "falcon.App[Any, Any]", hub: "Hub", *, by: Literal["peer", "token"]) -> None:
    """Add the dashboard to an app: for peers of the socket, or for sessions and tokens over TCP."""
    printed = Printed()
    who, sign_in = (_by_peer, "") if by == "peer" else (signing.by_session, signing.PATH)
    for page in PAGES:
        app.add_route(page.path, PageResource(hub, page, who, printed, sign_in=sign_in))
    app.add_route("/assets/{name}", Assets())
    if by == "token":
        app.add_route(signing.PATH, signing.SignIn(hub))
        app.add_route("/signout", signing.SignOut(hub))


class Assets:
    """Stylesheet, scripts, icon: the same for everybody, so nobody is asked who they are."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, name: str) -> None:
        """Answer with a file of the package; raises 404 for any other."""
        from agentctl.dashboard.assets import asset

        found = asset(name)
        if found is None:
            raise falcon.HTTPNotFound
        resp.content_type = found.content_type
        resp.data = found.content
        resp.set_headers(HEADERS)
        known = req.get_param("v") == found.digest
        resp.set_header("Cache-Control", FOR_EVER if known else "no-cache")


def _by_peer(hub: "Hub", req: falcon.Request) -> OperatorPrincipal:
    return authenticate.operator_by_peer(hub, peer(req.env))
