"""Servers on real sockets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentctl.web.servers import Server, unix_server
from tests.engine.web.wire import Serve, echo


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return a function that starts a server at `tmp_path/s` and ends it after the test."""
    made: list[Server] = []

    def start(app: Any = echo, **options: Any) -> Server:
        chosen = {"mode": 0o666, "threads": 4, **options}
        server = unix_server(app, tmp_path / "s", **chosen)
        made.append(server)
        server.run_in_thread()
        return server

    yield start
    for server in made:
        server.close()
