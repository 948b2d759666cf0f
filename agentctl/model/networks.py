"""Which IP addresses are whose: those that nobody ever reaches, those that are public, IPv4 inside IPv6.

Python's own `is_global` changes with its version, so the tables are written out here.
Sources: the IANA special-purpose address registries (RFC 6890), RFC 6052, RFC 3056, RFC 4380.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(each) for each in texts)


# Link-local (RFC 3927, RFC 4291), where clouds' metadata live, and the metadata and credential
# services that clouds put elsewhere; "this network", multicast and reserved lead to nobody.
NEVER = _networks(
    *("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
    *("100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
    *("::/128", "fe80::/10", "ff00::/8"),
    *("fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128", "fd00:c1::a9fe:a9fe/128"),
)

# What IANA gave to special purposes: private, loopback, carriers' (100.64.0.0/10), documentation,
# benchmarks, protocols' own. Of IPv6 only 2000::/3 is in public use, less what is special in it.
_SPECIAL_V4 = _networks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
    *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
)
_PUBLIC_V6 = ip_network("2000::/3")
_SPECIAL_V6 = _networks("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")

_NAT64 = ip_network("64:ff9b::/96")
_NAT64_LOCAL = ip_network("64:ff9b:1::/48")  # RFC 8215: at its end, or around bits 64 to 71
_COMPATIBLE = ip_network("::/96")
_COMPATIBLE_LEAST = 1 << 24  # below it nothing was ever meant: ::1 is loopback, not 0.0.0.1
_LOW_32 = 0xFFFFFFFF


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Return whether an address is in one of the networks, as it is written (no IPv4 inside IPv6)."""
    return any(address in each for each in networks if each.version == address.version)


def carried(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 one stands for or passes on to; none for other ones.

    Mapped and compatible ones, NAT64, 6to4, and Teredo with its server and its client.
    """
    if isinstance(address, IPv4Address):
        return ()
    value = int(address)
    last = IPv4Address(value & _LOW_32)
    if address in _NAT64 or (address in _COMPATIBLE and value >= _COMPATIBLE_LEAST):
        return (last,)
    if address in _NAT64_LOCAL:
        return (last, IPv4Address((value >> 64 & 0xFFFF) << 16 | value >> 40 & 0xFFFF))
    one = address.ipv4_mapped or address.sixtofour
    return (one,) if one else (address.teredo or ())


def never(address: Address) -> bool:
    """Return whether an address is one that is never reached, in whatever form it comes."""
    return any(within(each, NEVER) for each in (address, *carried(address)))


def public(address: Address) -> bool:
    """Return whether an address is anybody's on the internet, and no other one inside it."""
    if isinstance(address, IPv4Address):
        return not within(address, _SPECIAL_V4) and not never(address)
    return address in _PUBLIC_V6 and not within(address, _SPECIAL_V6) and not never(address)
