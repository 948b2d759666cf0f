"""Private means a private address, for every address its name has; metadata services are never a model."""

from collections.abc import Sequence

import pytest

from agentctl.errors import ConfigError, Refused, Unavailable
from agentctl.model.fleet import Provider, ProviderKind
from agentctl.providers.address import Target, resolve


def provider(
    boundary: str = "private", url: str = "http://model.lan:11434", model: str = "qwen3"
) -> Provider:
    return Provider(
        name="p", kind=ProviderKind.OLLAMA, base_url=url, model=model, boundary=boundary
    )


def found(boundary: str, *addresses: str) -> Target:
    return resolve(provider(boundary), lookup=lambda host, port: addresses)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.0.7", "fd12::1", "::ffff:10.0.0.1"],
)
def test_a_private_provider_may_be_at_a_private_address(address: str) -> None:
    assert found("private", address).addresses == (address,)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "::ffff:8.8.8.8", "192.0.2.1"],
)
def test_a_private_provider_is_never_at_another(address: str) -> None:
    with pytest.raises(Refused, match="boundary private") as caught:
        found("private", address)
    assert caught.value.rule == "private-is-private"


def test_one_address_outside_refuses_them_all() -> None:
    with pytest.raises(Refused):
        found("private", "10.0.0.1", "8.8.8.8")


@pytest.mark.parametrize("boundary", ["private", "public"])
@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::",
        "fe80::1",
        "fd00:ec2::254",
        "100.100.100.200",
        "168.63.129.16",
        "0.0.0.0",
        "::",
        "224.0.0.1",
    ],
)
def test_metadata_and_link_local_addresses_are_never_a_provider(
    boundary: str, address: str
) -> None:
    with pytest.raises(Refused):
        found(boundary, address)


def test_a_public_provider_may_be_anywhere_else() -> None:
    assert found("public", "8.8.8.8", "127.0.0.1").addresses == ("8.8.8.8", "127.0.0.1")


@pytest.mark.parametrize("model", ["kimi-k2:1t-cloud", "gpt-oss:120b-Cloud", "x:cloud"])
def test_a_cloud_model_is_not_private_wherever_its_ollama_is(model: str) -> None:
    with pytest.raises(Refused, match="cloud"):
        resolve(provider(model=model), lookup=lambda host, port: ("127.0.0.1",))


@pytest.mark.parametrize(
    "url",
    ["ftp://h", "http://", "//h", "http://user:pw@h", "http://h?key=1", "http://h:99999", "x"],
)
def test_a_base_url_is_scheme_host_port_and_path_alone(url: str) -> None:
    with pytest.raises(ConfigError):
        resolve(provider(url=url), lookup=lambda host, port: ("127.0.0.1",))


def test_a_name_without_an_address_is_unavailable() -> None:
    def fails(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    with pytest.raises(Unavailable):
        resolve(provider(), lookup=fails)


@pytest.mark.parametrize(
    ("url", "authority", "port", "path"),
    [
        ("https://api.example", "api.example", 443, ""),
        ("https://api.example:8443/anthropic/", "api.example:8443", 8443, "/anthropic"),
        ("http://[::1]:11434", "[::1]:11434", 11434, ""),
    ],
)
def test_the_providers_own_name_is_kept_for_host_and_tls(
    url: str, authority: str, port: int, path: str
) -> None:
    target = resolve(provider("public", url), lookup=lambda host, port: ("127.0.0.1",))
    assert (target.authority, target.port, target.path) == (authority, port, path)
