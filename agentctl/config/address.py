"""Whether a URL leads to a private address, as far as its text tells; names are not resolved.

What can't be told is not private: a name of the public DNS may point anywhere tomorrow.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

_PRIVATE = tuple(
    ip_network(each)
    for each in (
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "::1/128",
        "fc00::/7",  # RFC 4193
    )
)
# Names that the public DNS never answers: RFC 6761, 6762, 8375, and ICANN's "internal" of 2024.
_PRIVATE_SUFFIXES = (".localhost", ".local", ".internal", ".home.arpa", ".lan")


def is_private(url: str) -> bool:
    """Return whether a URL's host is a private address, or a name that only a private network knows."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    host = host.rstrip(".").lower()
    address = _address(host)
    if address is not None:
        return any(address in network for network in _PRIVATE if network.version == address.version)
    if "." not in host:  # a name of /etc/hosts or the search domain; digits would be an address
        return host[:1].isalpha()
    return host.endswith(_PRIVATE_SUFFIXES)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
