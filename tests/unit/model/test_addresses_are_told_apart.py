"""Public, never, and IPv4 inside IPv6: the tables that destinations and providers are checked by."""

from ipaddress import ip_address

import pytest

from agentctl.model.networks import NEVER, carried, never, public


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("::ffff:10.1.2.3", ["10.1.2.3"]),
        ("::10.1.2.3", ["10.1.2.3"]),
        ("64:ff9b::a01:203", ["10.1.2.3"]),
        ("64:ff9b:1:a01:2:300::", ["0.0.0.0", "10.1.2.3"]),
        ("64:ff9b:1::a01:203", ["10.1.2.3", "0.0.0.0"]),
        ("2002:a01:203::1", ["10.1.2.3"]),
        ("2001:0:a01:203::f5fe:fdfc", ["10.1.2.3", "10.1.2.3"]),
        ("::1", []),
        ("2606:4700::1111", []),
        ("10.1.2.3", []),
    ],
)
def test_an_ipv4_address_is_found_inside_an_ipv6_one(text: str, inside: list[str]) -> None:
    assert [str(each) for each in carried(ip_address(text))] == inside


@pytest.mark.parametrize("network", NEVER, ids=str)
def test_both_ends_of_what_is_never_reached_are_never_reached(network: object) -> None:
    for end in (network[0], network[-1]):  # type: ignore[index]
        assert never(end)
        assert not public(end)


@pytest.mark.parametrize("text", ["8.8.8.8", "140.82.121.3", "2606:4700::1111", "2a00:1450::1"])
def test_what_anybody_may_reach_is_public(text: str) -> None:
    assert public(ip_address(text))
    assert not never(ip_address(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "10.0.0.1", "fd12::1", "100.64.0.1"])
def test_what_an_operator_may_declare_is_neither(text: str) -> None:
    assert not public(ip_address(text))
    assert not never(ip_address(text))
