"""`serve --name`: names of hosts that a proxy in front is asked for; no address, no port, no URL."""

import pytest

from agentctl.cli.listen import host_names
from agentctl.errors import UsageError


def test_names_are_taken_in_small_letters() -> None:
    assert host_names(["Fleet.Example.com", "hub"]) == ("fleet.example.com", "hub")


@pytest.mark.parametrize("given", ["", "a b", "fleet:8700", "https://fleet", "-x", "x.", "fleet\n"])
def test_what_is_no_name_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="--name"):
        host_names([given])
