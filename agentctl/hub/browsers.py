"""What comes from a browser: from which page, and by which name it knows the hub.

A page of another site may make a browser ask the hub anything (CSRF), also under a name of its
own that it lets point here (DNS rebinding). Source: Fetch Metadata (W3C), RFC 6454, RFC 9110 §7.2.
"""

from collections.abc import Set
from urllib.parse import urlsplit

import falcon

from agentctl.errors import Refused

OWN = frozenset({"localhost", "127.0.0.1", "::1"})
RULE = "browsers"  # stands where a rule's name does


def check_page(req: falcon.Request, names: Set[str]) -> None:
    """Raise Refused for another name than the hub's, and for what another site's page embeds."""
    _check_name(req, names)
    site = req.get_header("Sec-Fetch-Site") or "none"
    followed = (req.get_header("Sec-Fetch-Mode"), req.get_header("Sec-Fetch-Dest"))
    if site not in ("none", "same-origin") and followed != ("navigate", "document"):
        raise Refused("another site's page may not embed this one", rule=RULE)


def check_form(req: falcon.Request, names: Set[str]) -> None:
    """Raise Refused unless the browser says that a page of the hub's own sent this form."""
    _check_name(req, names)
    site, origin = req.get_header("Sec-Fetch-Site"), req.get_header("Origin")
    told = (site, origin) != (None, None)
    if not told or site not in (None, "same-origin") or not _own_origin(req, origin, names):
        raise Refused(
            "a form is taken from this hub's own pages only",
            rule=RULE,
            hint="behind a proxy, name it: agentctl serve --name HOST",
        )


def refuse_browsers(req: falcon.Request) -> None:
    """Raise Refused for what a browser sends to the API on the operators' socket.

    There the connection alone is the credential: forwarded to a port, any page could use it.
    """
    name = _name(req.get_header("Host"))
    foreign = "." in name and name not in OWN
    if foreign or req.get_header("Origin") or req.get_header("Sec-Fetch-Site"):
        raise Refused("the API on this socket is not for browsers", rule=RULE)


def port(req: falcon.Request) -> str:
    """Return the port that a browser asked for, "" for its scheme's own."""
    try:
        found = urlsplit(f"//{req.get_header('Host') or ''}").port
    except ValueError:
        found = None
    return str(found) if found is not None else ""


def _check_name(req: falcon.Request, names: Set[str]) -> None:
    if _name(req.get_header("Host")) not in OWN | names:
        raise Refused(
            "this hub doesn't go by that name",
            rule=RULE,
            hint="ask for 127.0.0.1 or localhost; a proxy's name: agentctl serve --name HOST",
        )


def _own_origin(req: falcon.Request, origin: str | None, names: Set[str]) -> bool:
    """Whether an Origin is the address that was asked for, or a name that operators declared."""
    if origin is None:
        return True
    asked = origin.partition("://")[2]
    return bool(asked) and (asked == req.get_header("Host") or _name(asked) in names)


def _name(host: str | None) -> str:
    """Return the name of HOST or HOST:PORT in small letters, "" for what is none."""
    try:
        return urlsplit(f"//{host or ''}").hostname or ""
    except ValueError:
        return ""
