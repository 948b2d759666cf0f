"""The OPA server that is asked: in clear text on this machine only, in time, no password in its URL."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from agentctl.config.finding import Finding
from agentctl.config.references.known import error
from agentctl.model.fleet import DesiredState

TIMEOUT_S_MAX = 2.0  # each act waits for it, and somebody waits for each act
PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_/-]{0,255}")
AT = ("opa",)


def opa(desired: DesiredState) -> Iterator[Finding]:
    asked = desired.opa
    if not asked.enabled:
        return
    parts = _split(asked.url)
    if parts is None:
        yield error(
            "bad-opa-url",
            "opa.url is not the URL of a server",
            (*AT, "url"),
            expected="http://127.0.0.1:8181, or https:// and a name",
        )
    elif parts.username is not None or parts.password is not None:
        yield error(  # the URL itself is in no finding: it holds a password
            "credentials-in-url",
            "opa.url holds a user or a password: it would stand in plans and in the journal",
            (*AT, "url"),
            expected="a URL without them",
        )
    elif parts.scheme == "http" and not _is_here(parts.hostname or ""):
        yield error(
            "plain-http",
            "who does what to whom would be asked in clear text over the network",
            (*AT, "url"),
            expected="http:// to a loopback address, or https://",
            found=asked.url,
            suggestion=f"write {asked.url.replace('http:', 'https:', 1)}",
        )
    if not 0 < asked.timeout_s <= TIMEOUT_S_MAX:
        yield error(
            "opa-timeout",
            "each act would wait longer for OPA than people and agents wait",
            (*AT, "timeout"),
            expected=f"above 0s, at most {TIMEOUT_S_MAX:g}s",
            found=f"{asked.timeout_s:g}s",
        )
    if asked.token_file and not asked.token_file.startswith("/"):
        yield error(
            "relative-path",
            "opa.token.file is read by the hub, wherever that was started",
            (*AT, "token"),
            expected="an absolute path",
            found=asked.token_file,
        )
    if not PATH.fullmatch(asked.path):
        yield error(
            "bad-pattern",
            "opa.path is not the path of a document",
            (*AT, "path"),
            expected="such as agentctl/decision",
        )


def _split(url: str) -> SplitResult | None:
    """Return a URL's parts, None when it isn't one of a server and nothing more."""
    try:
        parts = urlsplit(url)
        more = parts.path.strip("/") or parts.query or parts.fragment or parts.port == 0
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname and not more else None


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
