"""Bodies that are still arriving take memory before anybody knows who sends them: they have a bound."""

import json
from contextlib import suppress
from pathlib import Path

from tests.engine.web.wire import Line, Serve, until

MIB = 1024 * 1024


def began(path: Path, size: int) -> Line:
    """Begin a body of `size` bytes, and leave it at its first byte."""
    head = f"POST / HTTP/1.1\r\nHost: hub\r\nContent-Length: {size}\r\n\r\nx"
    return Line(path).say(head.encode())


def sized(serve: Serve) -> None:
    server = serve(body_bytes_max=8 * MIB, bodies_bytes_max=16 * MIB)
    assert server.connections == 0


def test_one_peers_bodies_take_a_quarter_of_the_room_at_most(serve: Serve, tmp_path: Path) -> None:
    sized(serve)
    first = began(tmp_path / "s", 3 * MIB)
    second = began(tmp_path / "s", 3 * MIB)
    status, headers, body = second.answer()
    assert status == 429
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["type"] == "urn:agentctl:problem:throttled"
    assert first.say(b"x" * (3 * MIB - 1)).answer()[0] == 200


def test_a_small_body_is_taken_all_the_same(serve: Serve, tmp_path: Path) -> None:
    sized(serve)
    first = began(tmp_path / "s", 4 * MIB)
    small = began(tmp_path / "s", 2)
    assert small.say(b"y").answer()[0] == 200
    assert first.say(b"x" * (4 * MIB - 1)).answer()[0] == 200


def test_room_comes_back_when_a_body_is_answered_or_given_up(serve: Serve, tmp_path: Path) -> None:
    sized(serve)
    first = began(tmp_path / "s", 4 * MIB)
    assert began(tmp_path / "s", 4 * MIB).answer()[0] == 429
    assert first.say(b"x" * (4 * MIB - 1)).answer()[0] == 200
    began(tmp_path / "s", 4 * MIB).close()

    def taken() -> bool:
        whole = began(tmp_path / "s", MIB)
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before it has said it all
            return whole.say(b"x" * (MIB - 1)).answer()[0] == 200
        return False

    assert until(taken)
