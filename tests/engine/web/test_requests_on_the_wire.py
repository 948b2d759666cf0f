"""What arrives is one well-formed request with a Content-Length, or it is refused in problem details."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentctl.web.channel import Channel
from agentctl.web.requests import DRAINED_BYTES_MAX
from tests.engine.web.wire import Line, Serve

BODY_BYTES_MAX = 256 * 1024


def problem(raw: bytes) -> tuple[int, dict[str, Any]]:
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"Content-Type: application/problem+json" in head
    found: dict[str, Any] = json.loads(body)
    assert int(head.split()[1]) == found["status"]
    return found["status"], found


def post(body: bytes, *extra: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = ["POST / HTTP/1.1", "Host: hub", f"Content-Length: {size}", *extra]
    return "\r\n".join([*lines, "", ""]).encode() + body


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: hub\r\n\r\n"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: hub\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: hub\r\nX : y\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: hub\r\nX: a\nY: b\r\n\r\n", 400),
        (post(b"hello", length=5).replace(b"Content-Length: 5", b"Content-Length: +5"), 400),
        (post(b"hello", "Content-Length: 5"), 400),
        (post(b"hello", "Content-Length: 6"), 400),
        (post(b"hello", "Transfer-Encoding: chunked"), 411),
        (post(b"", "Transfer-Encoding: chunked", length=0) + b"0\r\n\r\n" + SMUGGLED, 411),
        (post(b"", "transfer-encoding: chunked", "Transfer-Encoding: identity", length=0), 411),
        (post(b"", "Transfer-Encoding: ", length=0) + SMUGGLED, 411),
        (post(b"", "Transfer_Encoding: chunked", length=0) + SMUGGLED, 411),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED, 411),
        (b"GET / HTTP/1.1\r\nHost: hub\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"y" * 20_000, 431),
    ],
)
def test_what_is_not_one_plain_request_ends_the_connection_after_one_problem(
    serve: Serve, tmp_path: Path, raw: bytes, status: int
) -> None:
    serve()
    answered = Line(tmp_path / "s").say(raw).all()
    assert problem(answered)[0] == status
    assert answered.count(b"Content-Type") == 1, "what followed was taken for a second request"


def test_a_refusal_repeats_nothing_of_the_request(serve: Serve, tmp_path: Path) -> None:
    serve()
    raw = b"GET / HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer s3cret\nX: y\r\n\r\n"
    assert b"s3cret" not in Line(tmp_path / "s").say(raw).all()


def test_a_body_of_the_bound_passes_and_one_byte_more_does_not(
    serve: Serve, tmp_path: Path
) -> None:
    serve(body_bytes_max=BODY_BYTES_MAX)
    status, _, body = Line(tmp_path / "s").say(post(b"x" * BODY_BYTES_MAX)).answer()
    assert (status, json.loads(body)["bytes"]) == (200, BODY_BYTES_MAX)
    over = Line(tmp_path / "s").say(post(b"x" * (BODY_BYTES_MAX + 1))).all()
    assert problem(over)[0] == 413


@pytest.mark.parametrize("times", [2, 30])
def test_who_sends_too_much_can_send_it_all_and_reads_why(
    serve: Serve, tmp_path: Path, times: int
) -> None:
    serve(body_bytes_max=BODY_BYTES_MAX)
    over = Line(tmp_path / "s").say(post(b"x" * (BODY_BYTES_MAX * times))).all()
    assert problem(over)[1]["type"] == "urn:agentctl:problem:too-large"


def test_what_is_absurdly_large_is_refused_before_it_is_sent(serve: Serve, tmp_path: Path) -> None:
    serve(body_bytes_max=BODY_BYTES_MAX)
    line = Line(tmp_path / "s").say(post(b"", length=DRAINED_BYTES_MAX + 1))
    assert problem(line.all())[0] == 413


def test_who_asks_before_sending_too_much_is_told_at_once(serve: Serve, tmp_path: Path) -> None:
    serve(body_bytes_max=BODY_BYTES_MAX)
    asks = post(b"", "Expect: 100-continue", length=BODY_BYTES_MAX + 1)
    assert problem(Line(tmp_path / "s").say(asks).all())[0] == 413


def test_who_asks_before_sending_enough_may_go_on(serve: Serve, tmp_path: Path) -> None:
    serve()
    line = Line(tmp_path / "s").say(post(b"", "Expect: 100-continue", length=5))
    assert line.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    assert json.loads(line.say(b"hello").answer()[2])["bytes"] == 5


def test_an_answer_leaves_with_its_head_in_one_write(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    write_soon = Channel.write_soon

    def noted(self: Channel, data: bytes) -> int:
        written.append(data)
        return int(write_soon(self, data))

    monkeypatch.setattr(Channel, "write_soon", noted)
    serve()
    Line(tmp_path / "s").say(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n").answer()
    [whole] = filter(None, written)
    assert whole.startswith(b"HTTP/1.1 200 ")
    assert whole.endswith(b"}")


def test_pipelined_requests_are_answered_in_order(serve: Serve, tmp_path: Path) -> None:
    serve()
    line = Line(tmp_path / "s").say(post(b"a") + post(b"bb") + post(b"ccc"))
    assert [json.loads(line.answer()[2])["bytes"] for _ in range(3)] == [1, 2, 3]


def test_no_body_is_ever_spooled_when_the_server_keeps_them_in_memory(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import waitress.buffers

    def spooled(*_: object) -> None:
        raise AssertionError("a body went to a file")

    monkeypatch.setattr(waitress.buffers.TempfileBasedBuffer, "__init__", spooled)
    size = 4 * 1024 * 1024
    serve(body_bytes_max=size, spool_bytes=size + 1)
    _, _, body = Line(tmp_path / "s").say(post(b"x" * size)).answer()
    assert json.loads(body)["bytes"] == size


def test_the_server_says_nothing_of_what_it_is(serve: Serve, tmp_path: Path) -> None:
    serve()
    _, headers, _ = Line(tmp_path / "s").say(b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n").answer()
    assert "server" not in headers
