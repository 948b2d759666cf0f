"""A host's engine at a local socket for a while: for who looks once, or builds an image there."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agentctl.engine.ssh import command
from agentctl.engine.ssh.line import READY_S, Trip
from agentctl.engine.ssh.process import Ssh
from agentctl.errors import EngineUnavailable, InputError
from agentctl.model.ssh import SshAddress, is_ssh, ssh_address

UNIX = "unix://"


def engine_trip(address: SshAddress, local: Path) -> Trip:
    """Return the connection that makes an engine reachable at `local`; what stands there is replaced."""
    local.unlink(missing_ok=True)  # so that its being there means that ssh made it
    # ssh makes the socket once the host has let it in.
    return Trip(argv=command.engine_line(address, local), is_up=lambda _ssh: local.exists())


def nothing_there(error: str) -> str:
    """Return why a look through a connection that is up failed: what of `error` its host can mend."""
    if any(each in error for each in ("closed connection", "reset by peer", "Broken pipe")):
        return f"the host answers, but {command.REMOTE_ENGINE} there is not this account's to open"
    return error.partition(": ")[2] or error


@contextlib.contextmanager
def reached(url: str) -> Iterator[str]:
    """Give the engine's URL here: an `ssh://` one's through a connection of its own, any other as it is.

    Raises InputError (no such URL), EngineUnavailable with ssh's own reason, within READY_S and a little.
    """
    if not is_ssh(url):
        yield url
        return
    try:
        address = ssh_address(url)
    except ValueError as why:
        raise InputError(f"{url}: {why}") from why
    with tempfile.TemporaryDirectory(prefix="agentctl-") as folder:  # 0700
        local = Path(folder) / "engine.sock"
        trip = engine_trip(address, local)
        with Ssh(trip.argv) as ssh:
            ssh.begin(more=True)
            if not ssh.wait(lambda: trip.is_up(ssh), within_s=READY_S):
                raise EngineUnavailable(f"{url}: {ssh.why()}")
            yield f"{UNIX}{local}"
