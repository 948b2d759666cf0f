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
    connections = _Connections(calls)
    try:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(CONNECTIONS_MAX)
        threading.Thread(
            target=connections.accept_from, args=(listener,), name="mcp", daemon=True
        ).start()
        yield str(path)
    finally:
        calls.end()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        connections.end()
        shutil.rmtree(folder, ignore_errors=True)


class _Connections:
    """The connections of one task's program, each in a thread of its own."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._over = False

    def accept_from(self, listener: socket.socket) -> None:
        """Serve whoever connects until the listener ends."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if not self._take(connection):
                connection.close()
                continue
            threading.Thread(
                target=self._serve, args=(connection,), name="mcp-session", daemon=True
            ).start()

    def end(self) -> None:
        """Take nothing more from any of them; each then ends by itself."""
        with self._lock:
            self._over = True
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RD)

    def _take(self, connection: socket.socket) -> bool:
        with self._lock:
            if self._over or len(self._open) >= CONNECTIONS_MAX:
                return False
            self._open.add(connection)
            return True

    def _serve(self, connection: socket.socket) -> None:
        try:
            Session(connection, self._calls).run()
        finally:
            with self._lock:
                self._open.discard(connection)


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
