"""The command lines for `ssh`: what agentctl insists on; the rest is the operator's configuration. Pure.

Source: ssh(1), ssh_config(5); docs/decisions/0030-engines-on-other-hosts.md.
"""

from collections.abc import Mapping
from pathlib import Path

from agentctl.model.ssh import SshAddress

CONNECT_S = 10  # to connect and agree on keys; a host that takes longer is as good as away
ALIVE_EVERY_S = 5
ALIVE_MISSED_MAX = 3  # so a connection that is cut ends after a quarter of a minute
REMOTE_ENGINE = "/var/run/docker.sock"
REMOTE_SHELL = "exec sh -s"  # a constant; what it does comes on its standard input

OPTIONS = (
    "BatchMode=yes",  # nobody is there to type
    "StrictHostKeyChecking=yes",  # never weaker than that, whatever the configuration says
    f"ConnectTimeout={CONNECT_S}",
    "ConnectionAttempts=1",
    f"ServerAliveInterval={ALIVE_EVERY_S}",
    f"ServerAliveCountMax={ALIVE_MISSED_MAX}",
    "ExitOnForwardFailure=yes",
    "StreamLocalBindMask=0177",
    "StreamLocalBindUnlink=yes",
    # A process carries one container's door, and nothing of this machine but that.
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "Tunnel=no",
    "UpdateHostKeys=no",
    "LogLevel=ERROR",  # what fails is said on standard error, and nothing else
)


def engine_line(address: SshAddress, local: Path) -> list[str]:
    """Return what makes the host's engine reachable at a local socket, for as long as it runs."""
    return [*_ssh(address), "-N", "-L", f"{_field(local)}:{REMOTE_ENGINE}", *_to(address)]


def shell(address: SshAddress) -> list[str]:
    """Return what runs the shell commands of its standard input on the host."""
    return [*_ssh(address), *_to(address), REMOTE_SHELL]


def door_line(address: SshAddress, forwards: Mapping[str, Path]) -> list[str]:
    """Return what carries sockets of this machine there, and then runs a shell as `shell` does.

    `forwards` maps a socket's path on the host to the one here that it leads to.
    """
    carried = [f"{remote}:{_field(local)}" for remote, local in forwards.items()]
    return [*_ssh(address), *_each("-R", carried), *_to(address), REMOTE_SHELL]


def _ssh(address: SshAddress) -> list[str]:
    port = ["-p", str(address.port)] if address.port else []
    user = ["-l", address.user] if address.user else []
    return ["ssh", "-T", *_each("-o", OPTIONS), *port, *user]


def _to(address: SshAddress) -> list[str]:
    return ["--", address.host]


def _each(option: str, values: "tuple[str, ...] | list[str]") -> list[str]:
    return [word for value in values for word in (option, value)]


def _field(path: Path) -> str:
    """Return a local path as a field of a forward: its own colons mustn't end it."""
    return str(path).replace("\\", "\\\\").replace(":", "\\:")
