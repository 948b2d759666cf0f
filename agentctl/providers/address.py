"""Where a provider really is: resolved once, checked against its boundary, then connected to as checked."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from agentctl.errors import ConfigError, ProviderMisplaced, UpstreamUnreached
from agentctl.model.fleet import Provider, ProviderKind
from agentctl.model.networks import Address, carried, never, within

PRIVATE_BOUNDARY = "private"

Lookup = Callable[[str, int], Sequence[str]]

# RFC 1918, RFC 4193 and loopback. Shared address space (RFC 6598) is a carrier's, so not ours.
_PRIVATE = tuple(
    map(
        ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7", "::1/128"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A provider's base URL with the addresses it may be reached at, in the resolver's order."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[str, ...]

    @property
    def authority(self) -> str:
        """The Host header's value: a name, its port only where it isn't the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port as operators read them; nothing else of the URL, which may be a secret."""
        return f"{self.scheme}://{self.authority}"


def lookup(host: str, port: int) -> Sequence[str]:
    """Return a host's addresses, as the system resolves them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found))


def resolve(provider: Provider, *, lookup: Lookup = lookup) -> Target:
    """Return where to connect for `provider`.

    One address outside its boundary refuses all of them: which one a later look-up would
    pick is not ours to say. Raises ConfigError (no usable URL), ProviderMisplaced (a boundary
    that the address or the model isn't within) and UpstreamUnreached (no such name).
    """
    scheme, host, port, path = _parts(provider)
    refuse_cloud_model(provider)
    try:
        found = tuple(lookup(host, port))
    except (OSError, UnicodeError) as cause:
        raise _nowhere(provider, host) from cause
    if not found:
        raise _nowhere(provider, host)
    for each in found:
        _check(provider, ip_address(each))
    return Target(scheme=scheme, host=host, port=port, path=path, addresses=found)


def _nowhere(provider: Provider, host: str) -> UpstreamUnreached:
    failed = UpstreamUnreached(f"provider {provider.name}: its host has no address")
    failed.told(f"provider {provider.name} can't be reached: {host} has no address")
    return failed


def refuse_cloud_model(provider: Provider) -> None:
    """Raise ProviderMisplaced for an Ollama model that runs elsewhere though its boundary is private.

    Such models are named `…:cloud` or `…-cloud`; a local Ollama passes their prompts on.
    """
    tag = provider.model.lower()
    if (
        provider.boundary == PRIVATE_BOUNDARY
        and provider.kind is ProviderKind.OLLAMA
        and tag.endswith((":cloud", "-cloud"))
    ):
        raise ProviderMisplaced(
            f"provider {provider.name}: model {provider.model} runs in Ollama's cloud",
            rule="private-is-private",
            hint="give the provider boundary public, or a local model",
        )


def _parts(provider: Provider) -> tuple[str, str, int, str]:
    try:
        url = urlsplit(provider.base_url)
        port = url.port
    except ValueError as cause:
        raise ConfigError(f"provider {provider.name}: its base_url is no URL") from cause
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ConfigError(f"provider {provider.name}: its base_url is no http or https URL")
    if url.username is not None or url.query or url.fragment:
        raise ConfigError(
            f"provider {provider.name}: its base_url holds more than scheme, host, port and path",
            hint="a key belongs under api_key",
        )
    return url.scheme, url.hostname, port or _usual(url.scheme), url.path.rstrip("/")


def _usual(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _check(provider: Provider, address: Address) -> None:
    if never(address):
        raise ProviderMisplaced(
            f"provider {provider.name}: its address is link-local, or a cloud's metadata service",
            rule="never-metadata",
        )
    real = carried(address) or (address,)
    if provider.boundary == PRIVATE_BOUNDARY and not all(within(each, _PRIVATE) for each in real):
        raise ProviderMisplaced(
            f"provider {provider.name}: boundary private, but its address is not a private one",
            rule="private-is-private",
            hint="point base_url to a private address, or give the provider boundary public",
        )
