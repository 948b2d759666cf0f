"""Where a hub is, as a person names it: a Unix socket's path, or http(s)://HOST:PORT."""

import re
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from agentctl.errors import ConfigError

LOOPBACK_NAMES = frozenset({"localhost"})
_HOST_PORT = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}/?")


def url_of(target: str, *, has_token: bool) -> SplitResult | None:
    """Return the parsed URL, or None for a socket's path. Raises ConfigError, which repeats no password."""
    _refuse_userinfo(target)
    if target.startswith("unix://"):
        return None
    if "://" not in target:
        _require_path(target)
        return None
    try:
        url = urlsplit(target)
        _ = url.port
    except ValueError as cause:
        raise ConfigError(f"{target!r} is no address of a hub: {cause}") from cause
    if url.scheme not in ("http", "https") or not url.hostname or url.path.strip("/") or url.query:
        raise ConfigError(
            f"{target!r} is no address of a hub", hint="a socket's path, or http://HOST:PORT"
        )
    if has_token and url.scheme == "http" and not _is_loopback(url.hostname):
        raise ConfigError(
            f"the operator token would cross the network in the clear to {url.hostname}",
            hint="use https:// (a proxy in front of the hub) or an SSH tunnel to its socket",
        )
    return url


def _refuse_userinfo(target: str) -> None:
    """Raise ConfigError for USER:PASSWORD@HOST: the hub knows nobody by one, and errors repeat addresses.

    No URL of a hub has an @ anywhere, so a password is seen whatever stands in it. What has no
    scheme is a path if it looks like one, or is there.
    """
    if target.startswith("unix://") or "@" not in target:
        return
    a_path = target.startswith(("/", ".")) or ":" not in target or Path(target).exists()
    if "://" in target or not a_path:
        raise ConfigError(
            "the hub's address names a user or a password, by which it knows nobody",
            hint="write http(s)://HOST:PORT, and put the operator token in AGENTCTL_TOKEN",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


def _require_path(target: str) -> None:
    """Raise ConfigError for HOST:PORT, unless a socket of that odd name is there."""
    if _HOST_PORT.fullmatch(target) and not Path(target).exists():
        raise ConfigError(
            f"{target!r} has no scheme, so it would be a socket's path",
            hint=f"write http://{target.rstrip('/')}",
        )
