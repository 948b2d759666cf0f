"""A client that leaves before its answer costs nothing: no connection stays, no line is logged for it."""

import logging
import socket
from pathlib import Path

import pytest

from tests.engine.web.wire import Line, Serve, until

NO_HTTP = b"GET / HTTP/1\x161\r\nHost: hub\r\n\r\n"
NO_HEADER = b"GET / HTTP/1.1\r\n\x8fost: hub\r\n\r\n"
SLOW_PATH = b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: hub\r\n\r\n"


@pytest.mark.parametrize("raw", [NO_HTTP, NO_HEADER, SLOW_PATH], ids=["line", "header", "good"])
def test_what_it_sent_leaves_no_connection_and_no_line(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture, raw: bytes
) -> None:
    server = serve()
    with caplog.at_level(logging.INFO):
        for _ in range(200):
            line = Line(tmp_path / "s").say(raw)
            line.sock.shutdown(socket.SHUT_WR)  # the hub takes it for gone, and it stays a while
            line.all()
            line.close()
        until(lambda: server.connections == 0)
    assert [each.getMessage()[:80] for each in caplog.records] == []


@pytest.mark.parametrize(
    "target", [b"http://[::1/api", b"http://[v1.x]:\xb2/", b"//[", b"http://a]b/"]
)
def test_a_target_that_is_no_uri_is_answered_and_logged_nowhere(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture, target: bytes
) -> None:
    serve()
    head = b" HTTP/1.1\r\nHost: hub\r\nContent-Length: 0\r\n\r\n"
    assert Line(tmp_path / "s").say(b"POST " + target + head).answer()[0] in (200, 400)
    assert caplog.records == []
