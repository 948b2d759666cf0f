"""An ssh:// URL is a host, perhaps a user and a port; nothing in it can become an option or a command."""

import pytest

from agentctl.config.engine_url import engine_wrong
from agentctl.model.ssh import SshAddress, ssh_address


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ssh://gpu1", SshAddress(host="gpu1")),
        ("ssh://ops@gpu1.example.com", SshAddress(host="gpu1.example.com", user="ops")),
        ("ssh://gpu_1:2222", SshAddress(host="gpu_1", port=2222)),
        ("ssh://ops@10.0.0.7:22", SshAddress(host="10.0.0.7", user="ops", port=22)),
        ("ssh://ops@[fd00::7]:22", SshAddress(host="fd00::7", user="ops", port=22)),
        ("ssh://[::1]", SshAddress(host="::1")),
    ],
)
def test_it_names_host_user_and_port(url: str, expected: SshAddress) -> None:
    assert ssh_address(url) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ssh://", "the host is"),
        ("ssh://-oProxyCommand=touch", "the host is"),
        ("ssh://ops@-oProxyCommand=touch", "the host is"),
        ("ssh://-l@gpu1", "the user is"),
        ("ssh://@gpu1", "the user is"),
        ("ssh://a@b@gpu1", "the user is"),
        ("ssh://gpu1;reboot", "the host is"),
        ("ssh://$(reboot)", "the host is"),
        ("ssh://gpu1\n", "the host is"),
        ("ssh://gpu 1", "the host is"),
        ("ssh://ops:hunter2@gpu1", "a password"),
        ("ssh://gpu1/var/run/docker.sock", "nothing follows"),
        ("ssh://gpu1/", "nothing follows"),
        ("ssh://gpu1?x=1", "nothing follows"),
        ("ssh://gpu1#x", "nothing follows"),
        ("ssh://gpu1:", "the port is"),
        ("ssh://gpu1:0", "the port is"),
        ("ssh://gpu1:65536", "the port is"),
        ("ssh://gpu1:22x", "the port is"),
        ("ssh://gpu1:２２", "the port is"),
        ("ssh://[gpu1]", "an IPv6 address"),
        ("ssh://[fe80::1%eth0]", "an IPv6 address"),
        ("ssh://[::1", "an IPv6 address"),
        ("ssh://[::1]22", "an IPv6 address"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ssh_address(url)
    found = engine_wrong(url)
    assert found is not None
    assert found[0] == "bad-engine"
