"""Fork agentd as a process: a session of its own, a scrubbed environment, its input a pipe."""

import os
import subprocess
import sys
from pathlib import Path

from agentctl.engine.places import Place


def spawn(program: Path, place: Place, *, kept: bool) -> subprocess.Popen[bytes]:
    """Return the running child; it waits for the boot document on its standard input."""
    workspace = place.workspace(kept=kept)
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-I", str(program)],  # -I: nothing of this account's Python settings
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=workspace,
            env=_environment(workspace),
            start_new_session=True,  # the terminal's Ctrl-C is for serve, not for agents
            umask=0o077,
        )
    finally:
        os.close(log)


def _environment(workspace: Path) -> dict[str, str]:
    """Only these: what serve was started with (keys, tokens) is not the agents' to see."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),  # where the operator's CLI is found
        "HOME": str(workspace),
        "LANG": "C.UTF-8",
    }
