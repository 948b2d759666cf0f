"""Which base URLs count as private."""

import pytest

from agentctl.config.address import is_private


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434",
        "http://localhost:11434",
        "http://10.1.2.3",
        "http://192.168.1.5/ollama",
        "http://172.31.0.1",
        "http://[::1]:11434",
        "http://[fd00::1]",
        "http://ollama:11434",
        "http://gpu.internal",
        "http://gpu.local.",
        "http://nas.home.arpa",
    ],
)
def test_addresses_of_a_private_network_are_private(url: str) -> None:
    assert is_private(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.anthropic.com",
        "http://8.8.8.8",
        "http://172.32.0.1",
        "http://134744072",
        "http://0x08080808",
        "http://169.254.169.254",
        "http://[::ffff:8.8.8.8]",
        "http://[2001:4860::1]",
        "http://localhost.example.com",
        "http://127.0.0.1.nip.io",
        "http://localhost@example.com",
        "http://",
        "http://[::1",
    ],
)
def test_everything_else_is_not(url: str) -> None:
    assert not is_private(url)
