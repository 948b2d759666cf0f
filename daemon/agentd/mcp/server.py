"""The socket of one task's tools: in a directory of its own, gone with the task."""

import contextlib
import json
import pkgutil
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentd.mcp.calls import Calls
from agentd.mcp.session import Session
from agentd.mcp.tools import NAME, WAIT_S_MAX

CONNECTIONS_MAX = 4  # the CLI makes one; its sub-agents share it
_SLACK_S = 30.0  # past the longest wait of a tool, for the hub's own answer


@contextlib.contextmanager
def serving(calls: Calls) -> Iterator[str]:
    """Serve one task's tools while the block runs; yields the socket's path. Raises OSError."""
    folder = Path(tempfile.mkdtemp(prefix="agentd-mcp-"))  # 0700
    path = folder / "s"
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(CONNECTIONS_MAX)
        threading.Thread(target=_accept, args=(listener, calls), name="mcp", daemon=True).start()
        yield str(path)
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def _accept(listener: socket.socket, calls: Calls) -> None:
    places = threading.BoundedSemaphore(CONNECTIONS_MAX)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if not places.acquire(blocking=False):
            connection.close()
            continue

        def serve(taken: socket.socket = connection) -> None:
            try:
                Session(taken, calls).run()
            finally:
                places.release()

        threading.Thread(target=serve, name="mcp-session", daemon=True).start()


def configuration(path: str) -> dict[str, Any]:
    """Return what `--mcp-config` takes: the relay as a server on standard input and output.

    The tools are always loaded: behind a search for tools small models don't find them. The
    timeout is in milliseconds, as the CLI has it.
    """
    source = (pkgutil.get_data("agentd.mcp", "relay.py") or b"").decode()
    return {
        "mcpServers": {
            NAME: {
                "type": "stdio",
                "command": sys.executable,
                "args": ["-I", "-S", "-c", source, path],
                "alwaysLoad": True,
                "timeout": int((WAIT_S_MAX + _SLACK_S) * 1000),
            }
        }
    }


def arguments(path: str) -> list[str]:
    """Return the CLI's flags: these tools beside those of the operator's own flags, and no others.

    A server of the same name in the operator's configuration loses: the last one counts.
    """
    return [
        *("--mcp-config", json.dumps(configuration(path), separators=(",", ":"))),
        "--strict-mcp-config",
        *("--allowedTools", f"mcp__{NAME}"),
    ]
