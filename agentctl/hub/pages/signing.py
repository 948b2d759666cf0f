"""Signing in and out: a token or a one-time code by POST, a cookie that pages alone look at.

Source: docs/decisions/0031-dashboard.md.
"""

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import falcon

from agentctl.errors import AgentctlError, InputError, Throttled, TooLarge, Unauthenticated
from agentctl.hub import browsers, credentials
from agentctl.hub.pages.answers import bare_frame, send, send_error
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import sign_in
from agentctl.web.problems import retry_after

if TYPE_CHECKING:
    from agentctl.service.context import Hub

PATH = "/signin"
FORM_BYTES_MAX = 8 * 1024
NEXT_CHARS_MAX = 1000

_FORM = re.compile(r"application/x-www-form-urlencoded(?:\s*;.*)?", re.IGNORECASE)
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")
# A path of this hub's own pages: neither //host nor \host, which browsers take for another's.
_NEXT = re.compile(
    r"/(?:(?:tasks|agents|reach|decisions|alerts)(?:[/?][A-Za-z0-9/_.?&=%,:+~-]*)?)?"
)


def by_session(hub: "Hub", req: falcon.Request) -> OperatorPrincipal:
    """An operator over TCP who looks at a page: by a token, or by the cookie of a session."""
    if req.get_header("Authorization"):
        return credentials.by_token(hub, req)
    return sign_in.signed_in(hub, _session(req))


class SignIn:
    """The form, and what comes of it."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show the form."""
        try:
            browsers.check_page(req, self._hub.live.names)
        except AgentctlError as error:
            send_error(resp, error, bare_frame(self._hub, error.title))
            return
        given = req.get_param("next") or "/"
        elsewhere = req.get_header("Sec-Fetch-Site") == "cross-site"
        self._form(resp, following(given), elsewhere=elsewhere)

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Take a token or a code; on success send on with a cookie."""
        there = "/"
        try:
            browsers.check_form(req, self._hub.live.names)
            form = _read(req)
            there = following(form.get("next", "/"))
            session, lifetime_s = sign_in.sign_in(self._hub, form.get("shown", "").strip())
        except (Unauthenticated, Throttled) as error:
            self._form(resp, there, trouble=f"{str(error).capitalize()}.", status=error.status)
            if isinstance(error, Throttled):
                resp.set_header("Retry-After", retry_after(error.retry_after_s))
            return
        except AgentctlError as error:
            send_error(resp, error, bare_frame(self._hub, error.title))
            return
        _go(resp, there)
        _set(req, resp, session, int(lifetime_s))

    def _form(
        self,
        resp: falcon.Response,
        there: str,
        *,
        trouble: str = "",
        elsewhere: bool = False,
        status: int = 200,
    ) -> None:
        from agentctl.dashboard.render import render

        view = {"next": there, "trouble": trouble, "elsewhere": elsewhere}
        send(resp, render("signin", bare_frame(self._hub, "Sign in"), view).encode(), status=status)
        if status == 401:
            resp.set_header("WWW-Authenticate", "Bearer")


class SignOut:
    """Ends a session at once."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """End the session that the cookie names; who has none is sent to the form all the same."""
        try:
            browsers.check_form(req, self._hub.live.names)
        except AgentctlError as error:
            send_error(resp, error, bare_frame(self._hub, error.title))
            return
        sign_in.sign_out(self._hub, _cookie(req))
        _go(resp, PATH)
        _set(req, resp, "", 0)


def following(given: str) -> str:
    """Return where to go on after signing in: a page of this hub, the first one for anything else."""
    return given if len(given) <= NEXT_CHARS_MAX and _NEXT.fullmatch(given) else "/"


def _read(req: falcon.Request) -> dict[str, str]:
    """Return a form's fields; raises InputError for what is no form, TooLarge."""
    if (req.content_length or 0) > FORM_BYTES_MAX:
        raise TooLarge(f"the form is over {FORM_BYTES_MAX} bytes")
    if not _FORM.fullmatch(req.content_type or ""):
        raise InputError("this is no form")
    raw: bytes = req.bounded_stream.read()
    try:
        found = parse_qs(raw.decode(), max_num_fields=8)
    except ValueError as cause:
        raise InputError("this is no form") from cause
    return {name: values[-1] for name, values in found.items()}


def _session(req: falcon.Request) -> str:
    """Return the session that a cookie names; raises Unauthenticated for none, and for several."""
    found = _cookie(req)
    if not _SESSION.fullmatch(found):
        raise Unauthenticated("nobody is signed in here", hint="sign in")
    return found


def _cookie(req: falcon.Request) -> str:
    found = req.get_cookie_values(_name(req)) or []
    return str(found[0]) if len(found) == 1 else ""


def _set(req: falcon.Request, resp: falcon.Response, session: str, lifetime_s: int) -> None:
    """Set the cookie; over TLS, as the browser's Origin says, it never goes out in the clear."""
    secure = "; Secure" if (req.get_header("Origin") or "").startswith("https://") else ""
    resp.append_header(
        "Set-Cookie",
        f"{_name(req)}={session}; Max-Age={lifetime_s}; Path=/; HttpOnly; SameSite=Strict{secure}",
    )


def _name(req: falcon.Request) -> str:
    """Return the cookie's name: browsers don't tell ports apart, two hubs on a machine must."""
    return f"agentctl-{browsers.port(req) or 'session'}"


def _go(resp: falcon.Response, there: str) -> None:
    send(resp, b"", status=303)
    resp.set_header("Location", there)
