"""A host's engine at a local socket for a while: for who looks once, or builds an image there."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agentctl.engine.ssh import command
from agentctl.engine.ssh.line import READY_S, Trip
from agentctl.engine.ssh.process import Ssh
from agentctl.errors import EngineUnavailable
from agentctl.model.ssh import SshAddress, ssh_address

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
    """Give the engine's URL here: a `unix://` one as it is, an `ssh://` one through a connection of its own.

    Raises EngineUnavailable with ssh's own reason, within READY_S and a little.
    """
    if url.startswith(UNIX):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="agentctl-") as folder:  # 0700
        local = Path(folder) / "engine.sock"
        trip = engine_trip(ssh_address(url), local)
        with Ssh(trip.argv) as ssh:
            ssh.begin(more=True)
            if not ssh.wait(lambda: trip.is_up(ssh), within_s=READY_S):
                raise EngineUnavailable(f"{url}: {ssh.why()}")
            yield f"{UNIX}{local}"
