"""A Falcon resource from a page: who asks, what is asked, is it news, then rows → view → HTML."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

import falcon

from agentctl.dashboard.frame import Frame
from agentctl.errors import AgentctlError, Unauthenticated
from agentctl.hub import browsers, query
from agentctl.hub.endpoint import check_path
from agentctl.hub.pages.answers import HEADERS, bare_frame, send, send_error
from agentctl.hub.pages.page import Asked, Page
from agentctl.hub.pages.printed import Printed
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import damage
from agentctl.service.stamp import stamp

if TYPE_CHECKING:
    from agentctl.service.context import Hub

Who = Callable[["Hub", falcon.Request], OperatorPrincipal]


class PageResource:
    """One page for whoever may see it. `sign_in` is where others are sent, "" for nowhere."""

    def __init__(
        self, hub: "Hub", page: Page, who: Who, printed: Printed, *, sign_in: str = ""
    ) -> None:
        self._hub = hub
        self._page = page
        self._who = who
        self._printed = printed
        self._sign_in = sign_in

    def on_get(self, req: falcon.Request, resp: falcon.Response, **path: str) -> None:
        """Answer with the page, with 304 when the browser has it, or with an error as a page."""
        fragment = req.get_header("HX-Request") == "true"
        try:
            browsers.check_page(req, self._hub.live.names)
            with damage.told(self._hub):
                self._answer(req, resp, path, fragment=fragment)
        except Unauthenticated as error:
            self._send_away(req, resp, error, fragment=fragment)
        except AgentctlError as error:
            frame = bare_frame(self._hub, error.title, fragment=fragment)
            send_error(resp, error, frame)

    def _answer(
        self, req: falcon.Request, resp: falcon.Response, path: dict[str, str], *, fragment: bool
    ) -> None:
        who = self._who(self._hub, req)
        check_path(path)
        given = {name: each for name, each in req.params.items() if each}  # an empty field is none
        values = query.read(given, self._page.query)
        asked = Asked(hub=self._hub, who=who, path=path, query=values)
        signed_in = bool(self._sign_in) and not req.get_header("Authorization")
        frame = Frame(
            title="",
            here=f"/{req.path.split('/')[1]}",
            poll=req.relative_uri,
            who=who.name,
            role=who.role.value,
            signed_in=signed_in,
            fragment=fragment,
        )
        found = self._printed.get(
            (req.path, tuple(sorted(values.items())), who.role),
            fragment or (req.relative_uri, who.name, signed_in),
            now_s=self._hub.clock.boot_s(),
            stamp=lambda: (*stamp(self._hub), self._page.also(asked)),
            body=lambda etag: self._render(asked, frame, etag),
        )
        if req.get_header("If-None-Match") == found.etag:
            resp.status = falcon.HTTP_304
            resp.set_headers(HEADERS)
        else:
            send(resp, found.body)
        resp.set_header("ETag", found.etag)

    def _render(self, asked: Asked, frame: Frame, etag: str) -> bytes:
        from dataclasses import replace

        from agentctl.dashboard.assets import urls
        from agentctl.dashboard.render import render  # Jinja2 is loaded with the first page

        shown = self._page.show(asked)
        fleet = self._hub.fleet
        whole = replace(
            frame,
            title=shown.title or self._page.title,
            command=shown.command,
            fleet=fleet.generation.desired.fleet if fleet else "",
            version=self._hub.version,
            now_s=self._hub.clock.wall_s(),
            etag=etag,
            assets=urls(),
        )
        return render(self._page.template, whole, shown.view).encode()

    def _send_away(
        self, req: falcon.Request, resp: falcon.Response, error: AgentctlError, *, fragment: bool
    ) -> None:
        """Send whoever isn't signed in to where they can be; a page that polls is told to go there itself."""
        if not self._sign_in:
            send_error(resp, error, bare_frame(self._hub, error.title))
            return
        there = f"{self._sign_in}?next={quote(req.relative_uri, safe='')}"
        send(resp, b"", status=401 if fragment else 303)
        resp.set_header("HX-Redirect" if fragment else "Location", there)
        if fragment:
            resp.set_header("WWW-Authenticate", "Bearer")
