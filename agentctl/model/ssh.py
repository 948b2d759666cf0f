"""Engines on other hosts: what an `ssh://` URL may say.

Every part becomes one word of a command line, and OpenSSH's own configuration may hand it to a
shell (`ProxyCommand … %h`): so only letters, digits and what can't begin an option or end a word.
"""

import ipaddress
import re
from dataclasses import dataclass

SCHEME = "ssh://"
FORM = "ssh://[user@]host[:port]"
PORT_MAX = 65535

_USER = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAddress:
    """A host as `ssh` is told of it: a name of its configuration too. "" and 0 leave it the choice."""

    host: str
    user: str = ""
    port: int = 0


def is_ssh(url: str) -> bool:
    """Whether an engine's URL leads to another host."""
    return url.startswith(SCHEME)


def ssh_address(url: str) -> SshAddress:
    """Return what an `ssh://` URL says. Raises ValueError with what is wrong with it.

    Source: RFC 3986 section 3.2 for its parts; no path and no query, since what is there is
    always the engine's usual socket, and no password, since `ssh` takes none.
    """
    rest = url.removeprefix(SCHEME)
    if any(each in rest for each in "/?#"):
        raise ValueError(f"nothing follows host and port: {FORM}")
    user, at, place = rest.rpartition("@")
    if ":" in user:
        raise ValueError("a password has no place in the files: ssh is given a key")
    if at and not _USER.fullmatch(user):
        raise ValueError("the user is letters, digits, '.', '_' and '-', and begins with no '-'")
    host, port = _host_and_port(place)
    return SshAddress(host=host, user=user, port=port)


def _host_and_port(place: str) -> tuple[str, int]:
    if place.startswith("["):
        host, closed, after = place[1:].partition("]")
        if not closed or not _is_ipv6(host) or (after and not after.startswith(":")):
            raise ValueError("in [ ] stands an IPv6 address")
    else:
        host, colon, port = place.partition(":")
        after = colon + port
        if not _HOST.fullmatch(host):
            raise ValueError(
                "the host is letters, digits, '.', '_' and '-', and begins with no '-'"
            )
    if not after:
        return host, 0
    if not _PORT.fullmatch(after[1:]) or int(after[1:]) > PORT_MAX:
        raise ValueError(f"the port is a number up to {PORT_MAX}")
    return host, int(after[1:])


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text
