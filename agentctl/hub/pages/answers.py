"""How a page goes out: the headers that bind a browser, and errors as pages."""

from typing import TYPE_CHECKING

import falcon

from agentctl.dashboard.frame import Frame
from agentctl.errors import AgentctlError, Unavailable
from agentctl.web.problems import retry_after

if TYPE_CHECKING:
    from agentctl.service.context import Hub

# Nothing but this hub's own files, no inline script or style, nobody's frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer a browser says "Origin: null" of the hub's own forms (Fetch §3.2).
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HTML = "text/html; charset=utf-8"


def send(resp: falcon.Response, body: bytes, *, status: int = 200) -> None:
    """Make a response carry a page that no cache keeps: it may hold a prompt."""
    resp.status = falcon.code_to_http_status(status)
    resp.content_type = HTML
    resp.data = body
    resp.set_headers({**HEADERS, "Cache-Control": "no-store", "Vary": "HX-Request, Cookie"})


def send_error(resp: falcon.Response, error: AgentctlError, frame: Frame) -> None:
    """Make a response carry an error as a page, in the words of the API's problem."""
    from agentctl.dashboard.render import render

    view = {"title": error.title, "detail": error.detail, "hint": error.hint or ""}
    send(resp, render("error", frame, view).encode(), status=error.status)
    if isinstance(error, Unavailable):
        resp.set_header("Retry-After", retry_after(error.retry_after_s))
    if error.status == 401:
        resp.set_header("WWW-Authenticate", "Bearer")


def bare_frame(hub: "Hub", title: str, *, fragment: bool = False) -> Frame:
    """Return the frame of a page for whoever asks: it tells nothing of the fleet."""
    from agentctl.dashboard.assets import urls

    return Frame(title=title, now_s=hub.clock.wall_s(), assets=urls(), fragment=fragment)
