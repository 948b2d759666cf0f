"""Addresses to listen on: HOST:PORT, loopback only; and the names that a proxy is asked for."""

import re
from collections.abc import Iterable
from ipaddress import ip_address

from agentctl.errors import UsageError

NAME_HELP = "A name that a proxy in front serves the dashboard under. Repeatable."

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")  # RFC 1123 §2.1


def host_names(given: Iterable[str]) -> tuple[str, ...]:
    """Return names of hosts in small letters; raises UsageError for an address, a port or a URL."""
    wrong = [each for each in given if not _NAME.fullmatch(each)]
    if wrong:
        raise UsageError(f"--name {wrong[0]!r} is no name of a host", hint="fleet.example.com")
    return tuple(each.lower() for each in given)


def address(listen: str) -> tuple[str, int]:
    """Return ("127.0.0.1", 8700) of "127.0.0.1:8700".

    Raises UsageError for what is no address, and for one that other machines reach:
    the hub speaks no TLS, a proxy or an SSH tunnel in front of it does.
    """
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and port.isdigit() and int(port) < 65536):
        raise UsageError(f"--listen {listen!r} is not of the form HOST:PORT")
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise UsageError(
            f"--listen {listen!r}: the hub listens on this machine alone",
            hint="put a proxy with TLS or an SSH tunnel in front of it",
        )
    return ("127.0.0.1" if host == "localhost" else host), int(port)
