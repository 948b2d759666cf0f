"""Where a CONNECT wants to go. Each place has one spelling here; every other one is refused.

A list of allowed names is got round with other ways to write an address or a name. What is
not plain is therefore no target at all, whatever a resolver or a browser would make of it.
Sources: RFC 9110 §9.3.6, RFC 1123 §2.1, RFC 5952, the WHATWG URL standard's "ends in a number".
"""

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from agentctl.errors import Refused
from agentctl.model.networks import carried

HOST_CHARS_MAX = 253  # RFC 1035 §2.3.4
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
PORT = re.compile(r"[1-9][0-9]{0,4}")
PORT_MAX = 65535

_TELLTALES = (
    ("%", "percent encoding or a zone has no place in it"),
    ("@", "a user has no place in it"),
    ("/", "a URL or path has no place in it"),
    ("\\", "a backslash has no place in it"),
    ("?", "a query has no place in it"),
    ("#", "a fragment has no place in it"),
    (",", "one place at a time"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A host in its one spelling (lower-case name, or canonical address without brackets) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def target_of(authority: bytes) -> Target:
    """Return the target that the authority of a CONNECT names. Raises Refused with what is wrong in it."""
    text = _plain(authority)
    host, colon, port = text.rpartition(":")
    if not colon:
        raise _wrong("it has no port")
    if not PORT.fullmatch(port) or int(port) > PORT_MAX:
        raise _wrong(f"a port is a number from 1 to {PORT_MAX}, without zeros before it")
    if host.startswith("["):
        return Target(host=_bracketed(host), port=int(port))
    return Target(host=_name(host.lower()), port=int(port))


def shown(authority: bytes) -> str:
    """Return what was asked for as a line may show it: printable ASCII, cut where names end."""
    text = authority[: HOST_CHARS_MAX + 8].decode("latin-1")
    return "".join(each if "!" <= each <= "~" else f"\\x{ord(each):02x}" for each in text)[:256]


def _plain(authority: bytes) -> str:
    if not authority.isascii():
        raise _wrong("only ASCII has a place in it")
    text = authority.decode("ascii")
    if any(each <= " " or each == "\x7f" for each in text):
        raise _wrong("blanks and control characters have no place in it")
    for mark, why in _TELLTALES:
        if mark in text:
            raise _wrong(why)
    return text


def _bracketed(host: str) -> str:
    """Return an IPv6 address without its brackets; IPv4 in disguise is no IPv6 address."""
    try:
        address = IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        raise _wrong("brackets are for IPv6 addresses") from None
    if carried(address):
        raise _wrong("an IPv4 address is written as one, not inside an IPv6 address")
    if host != f"[{address}]":
        raise _wrong(f"this address is written [{address}]")
    return str(address)


def _name(host: str) -> str:
    if ":" in host:
        raise _wrong("an IPv6 address stands in brackets")
    if not 0 < len(host) <= HOST_CHARS_MAX:
        raise _wrong(f"a name has 1 to {HOST_CHARS_MAX} characters")
    if host.endswith("."):
        raise _wrong("a name stands without a dot at its end")
    labels = host.split(".")
    if not all(LABEL.fullmatch(each) for each in labels):
        raise _wrong("a name has letters, digits and hyphens between its dots")
    return _address(host) if NUMBER.fullmatch(labels[-1]) else host


def _address(host: str) -> str:
    """Return an IPv4 address in its only form: four decimal numbers without zeros before them."""
    try:
        return str(ip_address(host))
    except ValueError:
        raise _wrong(
            "an IPv4 address has four decimal numbers, without zeros before them"
        ) from None


def _wrong(why: str) -> Refused:
    return Refused(
        f"this is no HOST:PORT that could be declared: {why}",
        rule="spelling",
        hint="ask for a destination as policies/providers.yaml has it",
    )
