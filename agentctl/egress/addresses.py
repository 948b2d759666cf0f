"""At which of its addresses a destination may be reached: all of them are looked at, one wrong one refuses.

Which address of several a client ends up at is chance, or an attacker's choice; so an answer
that mixes fine ones with forbidden ones is refused as a whole. What is returned here is what
is connected to: nobody resolves the name again. Source: docs/decisions/0023-egress.md.
"""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from agentctl.errors import Refused
from agentctl.model.networks import Address, never, public, within

ADDRESSES_MAX = 64  # an answer with more is nobody's service


def reachable(found: Sequence[str], networks: Sequence[str]) -> tuple[Address, ...]:
    """Return the addresses to try, in the resolver's order.

    `found` are addresses as text, `networks` the destination's own, in CIDR form: where its name
    may lead besides public addresses. Raises Refused, naming no address: the agent needs none.
    """
    if len(found) > ADDRESSES_MAX:
        raise Refused(f"its name has more than {ADDRESSES_MAX} addresses", rule="addresses")
    allowed = [ip_network(each) for each in networks]
    addresses = tuple(_parsed(each) for each in found)
    for address in addresses:
        if never(address):
            raise Refused(
                "its name leads to link-local, metadata, multicast or reserved addresses,"
                " which are never reached",
                rule="never",
            )
        if not within(address, allowed) and not public(address):
            raise Refused(
                "its name leads to an address that isn't public",
                rule="not-public",
                hint="if it is meant, the destination's `networks` must have it",
            )
    return addresses


def _parsed(text: str) -> Address:
    if "%" in text:
        raise Refused(
            "its name leads to link-local addresses, which are never reached", rule="never"
        )
    return ip_address(text)
