"""The head of a connection: a CONNECT with a token, whole or in pieces, and nothing else."""

import json
from base64 import b64encode

import pytest

from agentctl.egress.request import HEAD_BYTES_MAX, Connect, Request
from agentctl.errors import (
    AgentctlError,
    Conflict,
    DestinationFailed,
    HubUnavailable,
    MalformedBody,
    Refused,
    Throttled,
    Unauthenticated,
)

TOKEN = "mt1.task-1.1." + "s" * 43


def basic(words: str = f"task:{TOKEN}") -> bytes:
    return b"Basic " + b64encode(words.encode())


def head(
    line: bytes = b"CONNECT github.com:443 HTTP/1.1", *more: bytes, credential: bytes | None = None
) -> bytes:
    given = basic() if credential is None else credential
    lines = [line, b"Host: github.com:443", b"Proxy-Authorization: " + given, *more]
    return b"\r\n".join([*lines, b"", b""])


def test_a_connect_names_its_target_and_the_token() -> None:
    assert Request().feed(head()) == Connect(authority=b"github.com:443", token=TOKEN)


def test_the_token_is_never_shown() -> None:
    assert TOKEN not in repr(Request().feed(head()))


def test_a_head_comes_in_any_pieces_and_what_is_behind_it_is_the_tunnels() -> None:
    request, whole = Request(), head() + b"\x16\x03\x01"
    asked = [request.feed(whole[at : at + 1]) for at in range(len(head()))]
    assert asked[:-1] == [None] * (len(head()) - 1)
    assert asked[-1] is not None
    request = Request()
    assert request.feed(whole) is not None
    assert request.early == b"\x16\x03\x01"
    assert request.granted() == b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.mark.parametrize(
    "received",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"CONNECT github.com:443\r\n\r\n",
        b"CONNECT  github.com:443 HTTP/1.1\r\n\r\n",
        b"CONNECT github.com:443 HTTP/1.1\r\n\r\n",
        b"CONNECT github.com:443 HTTP/2.0\r\nHost: x\r\n\r\n",
        b"CONNECT g\xc3\xadthub.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT github.com:443 HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"CONNECT github.com:443 HTTP/1.1\r\nHost : x\r\n\r\n",
        head(b"CONNECT github.com:443 HTTP/1.1", b"Content-Length: 5"),
        head(b"CONNECT github.com:443 HTTP/1.1", b"Transfer-Encoding: chunked"),
        b"CONNECT github.com:443 HTTP/1.1\r\nX: " + b"x" * HEAD_BYTES_MAX,
    ],
    ids=range(11),
)
def test_what_is_no_such_request_is_refused(received: bytes) -> None:
    with pytest.raises(MalformedBody):
        Request().feed(received)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "connect", "PRI"])
def test_other_methods_are_refused_with_the_way_to_ask(method: str) -> None:
    with pytest.raises(Refused, match="use https://") as refused:
        Request().feed(head(f"{method} http://github.com/ HTTP/1.1".encode()))
    assert refused.value.rule == "connect-only"


@pytest.mark.parametrize(
    "credential",
    [
        b"",
        b"Bearer " + TOKEN.encode(),
        b"Basic",
        b"Basic !!!!",
        b"Basic " + b64encode(b"\xff\xfe:x"),
        basic("task"),
        basic("task:"),
        basic(f"root:{TOKEN}"),
        basic(f"{TOKEN}:task"),
        basic("task:a\nb"),
        basic("task:" + "a" * 257),
        b"Basic " + b"A" * 2000,
    ],
    ids=range(12),
)
def test_without_one_good_credential_one_is_asked_for(credential: bytes) -> None:
    with pytest.raises(Unauthenticated) as refused:
        Request().feed(head(credential=credential))
    assert TOKEN not in str(refused.value)


def test_two_credentials_are_none() -> None:
    with pytest.raises(Unauthenticated):
        Request().feed(head(b"CONNECT a:1 HTTP/1.1", b"Proxy-Authorization: " + basic()))


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [
        (Unauthenticated("x"), 407, b'Proxy-Authenticate: Basic realm="agentctl"'),
        (Refused("x", decision_id="dec-1"), 403, b""),
        (Conflict("x"), 403, b""),
        (MalformedBody("x"), 400, b""),
        (DestinationFailed("x"), 502, b"Retry-After: 5"),
        (HubUnavailable("x", retry_after_s=1.5), 503, b"Retry-After: 2"),
        (Throttled("x", retry_after_s=0.1), 429, b"Retry-After: 1"),
    ],
)
def test_a_refusal_is_a_whole_answer(error: AgentctlError, status: int, header: bytes) -> None:
    answer, _, body = Request.refused(error).partition(b"\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert header in answer
    assert f"Content-Length: {len(body)}".encode() in answer
    problem = json.loads(body)
    assert (problem["status"], problem["detail"]) == (status, "x")
    assert problem["type"] == f"urn:agentctl:problem:{error.type}"
