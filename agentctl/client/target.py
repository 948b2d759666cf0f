"""Which hub a command means: the one it names, or the one of its state directory."""

import os
from pathlib import Path
from typing import Protocol

from agentctl.client.hub import Hub
from agentctl.paths import StatePaths, require_own_root


class SettingsLike(Protocol):
    """What a command was called with. `hub` is a socket's path, a URL, or "" for the state's own."""

    @property
    def hub(self) -> str: ...

    @property
    def state(self) -> Path: ...


def target_of(settings: SettingsLike) -> str:
    """Return the hub's address: as given, or the operators' socket of the state directory.

    Raises ConfigError when another account could have put its own socket there.
    """
    if settings.hub:
        return settings.hub
    require_own_root()
    return str(StatePaths(settings.state).operator_socket)


def connect(settings: SettingsLike) -> Hub:
    """Return the client of that hub; over HTTP it shows the operator token in AGENTCTL_TOKEN.

    On the socket the kernel says who the operator is, and no token is sent.
    """
    target = target_of(settings)
    over_http = target.startswith(("http://", "https://"))
    token = (os.environ.get("AGENTCTL_TOKEN") or None) if over_http else None
    return Hub(target, token=token, state="" if settings.hub else str(settings.state))
