"""A few shell commands on another host, and what they print: for making a door and taking it away."""

from agentctl.engine.ssh import command
from agentctl.engine.ssh.process import Ssh
from agentctl.errors import EngineUnavailable
from agentctl.model.ssh import SshAddress

DONE_S = 15.0  # connecting included; what they do takes milliseconds


def run(address: SshAddress, script: bytes) -> bytes:
    """Return what the script printed (its end). Raises EngineUnavailable with ssh's own reason."""
    with Ssh(command.shell(address)) as ssh:
        ssh.begin(script)
        ssh.wait(_never, within_s=DONE_S)
        if ssh.ended() != 0:
            raise EngineUnavailable(ssh.why())
        return ssh.said


def _never() -> bool:
    return False
