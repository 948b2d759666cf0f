"""What a destination may name: exact hosts with ports, and the networks where their names may lead."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from agentctl.model.fleet import Destination
from agentctl.model.networks import NEVER, Network, never, within

WIDEST = {4: 8, 6: 32}  # prefix lengths; what is wider names no network of anybody's
PORT_MAX = 65535


def host_and_port(text: str) -> tuple[str, int]:
    """Split `github.com:443`; of an IPv6 address the brackets go. Raises ValueError for another form."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= PORT_MAX:
        raise ValueError(f"a name and a port from 1 to {PORT_MAX}, such as github.com:443")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return host, int(port)


def wrong_destination(destination: Destination) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong in a destination as (field, words, expected)."""
    networks = []
    for text in destination.networks:
        network = _network(text)
        if isinstance(network, str):
            yield "networks", f"{text!r} is {network}", "a network such as 10.20.0.0/16"
        else:
            networks.append(network)
    for host, port in destination.hosts:
        if not 1 <= port <= PORT_MAX:
            yield "hosts", f"{host}:{port} has no such port", f"1 to {PORT_MAX}"
        why = _host(host, networks)
        if why:
            yield "hosts", f"{host!r} {why}", "a lower-case name, such as github.com"


def _network(text: str) -> Network | str:
    try:
        network = ip_network(text)
    except ValueError:
        return "no network in CIDR form with its host bits zero"
    if network.prefixlen < WIDEST[network.version]:
        return f"wider than /{WIDEST[network.version]}"
    if any(network.version == each.version and network.subnet_of(each) for each in NEVER):  # type: ignore[arg-type]
        return "never reached: link-local, metadata, multicast or reserved"
    return network


def _host(host: str, networks: list[Network]) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return _name(host, networks)
    if str(address) != host:
        return f"is written {address}"
    if never(address):
        return "is never reached: link-local, metadata, multicast or reserved"
    if within(address, networks):
        return ""
    return "is an address: `networks` must have it"


def _name(host: str, networks: list[Network]) -> str:
    labels = host.split(".")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        return "looks like an address that is written in another way"
    if not networks and (labels[-1] in ("localhost", "local", "internal") or len(labels) == 1):
        return "leads to no public address: `networks` must say where it may lead"
    return ""
