"""Who may open a tunnel, and how soon it ends when its attempt, its declaration or the hub is gone."""

import http.client
import socket
import subprocess
import sys
import time
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from agentctl.model.fleet import Destination
from agentctl.model.mode import Mode, ModeName
from tests.engine.egress.conftest import CACHE, WORLD, Stage, declared, until

CUT_WITHIN_S = 3.0  # the watch looks each second; the rest is a slow machine's


def dripping(stage: Stage) -> http.client.HTTPResponse:
    """Return an answer under way that never ends by itself."""
    connection = stage.tunnel("git.example")
    connection.request("GET", "/drip")
    answer = connection.getresponse()
    assert answer.read(3) == b"..."
    return answer


def ends(answer: http.client.HTTPResponse) -> float:
    """Read on until the end; return after how many seconds it came."""
    began_s = time.monotonic()
    try:
        while answer.read(1):
            assert time.monotonic() - began_s < 15, "it goes on"
    except OSError:
        pass
    return time.monotonic() - began_s


def panic(stage: Stage) -> None:
    stage.hub.live.mode = Mode(name=ModeName.PANIC, reason="leak")


def take_back(stage: Stage) -> None:
    stage.apply(declared(replace(WORLD, hosts=(("npm.example", 443),)), CACHE))


def narrow(stage: Stage) -> None:
    wider = Destination(
        name="world", hosts=WORLD.hosts, boundary="public", networks=("10.0.0.0/8",)
    )
    stage.apply(declared(wider, CACHE))


@pytest.mark.parametrize("gone", [Stage.supersede, panic, take_back, narrow])
def test_an_open_tunnel_is_cut_within_seconds(stage: Stage, gone: Any) -> None:
    answer = dripping(stage)
    gone(stage)
    assert ends(answer) < CUT_WITHIN_S
    line = stage.line("egress.closed")
    assert (line["ended"], line["why"]) == (
        "cut",
        "its attempt or its declaration is no longer current",
    )
    until(lambda: ["93.184.215.14", "/drip broke"] in stage.internet.seen("hit"))


def test_a_client_that_leaves_takes_its_tunnel_with_it(stage: Stage) -> None:
    answer = dripping(stage)
    answer.close()
    line = until(lambda: stage.lines("egress.closed"), within_s=5, what="the end")[-1]
    assert line["ended"] in ("done", "failed"), "in the middle of an answer it is a break"


def test_without_the_hub_nothing_is_opened_and_what_is_open_goes_on_for_a_while(
    stage: Stage,
) -> None:
    answer = dripping(stage)
    stage.away()
    assert stage.refusal("git.example") == "503"
    assert answer.read(3) == b"..."
    stage.serve()
    assert stage.get("git.example", "/")[0] == 200
    assert answer.read(3) == b"..."


def test_a_superseded_attempt_opens_nothing(stage: Stage) -> None:
    stage.supersede()
    assert stage.refusal("git.example") == "403"
    assert "no longer current" in stage.line("egress.refused")["why"]


@pytest.mark.parametrize("token", ["", "x", "mt1.task-x.1." + "a" * 43])
def test_without_the_attempts_token_nothing_is_opened(stage: Stage, token: str) -> None:
    assert stage.refusal("git.example", token=token) == "407"
    assert stage.internet.seen("name") == []


def test_another_containers_connection_with_this_ones_token_is_refused(stage: Stage) -> None:
    """The same bytes from another process: the kernel says that it isn't the one."""
    basic = b64encode(f"task:{stage.held.token}".encode()).decode()
    asks = f"CONNECT git.example:443 HTTP/1.0\r\nProxy-Authorization: Basic {basic}\r\n\r\n"
    program = (
        "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(sys.stdin.buffer.read()); print(s.recv(99).split()[1].decode())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, str(stage.paths.egress_door)],
        input=asks.encode(),
        capture_output=True,
        check=True,
    ).stdout
    assert said == b"407\n"
    assert "own container" in stage.line("egress.refused")["why"]
    assert stage.get("git.example", "/")[0] == 200


NO_CONNECT = {
    "GET http://git.example/ HTTP/1.1": "403",
    "GET / HTTP/1.1": "403",
    "POST http://127.0.0.1:8700/api/hub/mode HTTP/1.1": "403",
    "CONNECT 2130706433:443 HTTP/1.1": "403",
    "CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1": "403",
    "CONNECT git.example.:443 HTTP/1.1": "403",
    "CONNECT git.example HTTP/1.1": "403",
    "CONNECT git.example:443 HTTP/3.7": "400",
    "nonsense": "400",
}


def test_anything_but_a_plain_connect_is_refused(stage: Stage) -> None:
    basic = b64encode(f"task:{stage.held.token}".encode()).decode()
    for request_line, status in NO_CONNECT.items():
        head = f"{request_line}\r\nHost: x\r\nProxy-Authorization: Basic {basic}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", stage.forwarder.port), timeout=10) as client:
            client.sendall(head.encode())
            answer = b"".join(iter(lambda each=client: each.recv(4096), b""))  # type: ignore[misc]
        assert answer.split(b" ")[1].decode() == status, request_line
        assert b"application/problem+json" in answer
    assert stage.internet.seen("name") == []
    assert [each["host"] for each in stage.lines("egress.refused")] == [
        "2130706433:443",
        "[::ffff:127.0.0.1]:443",
        "git.example.:443",
        "git.example",
    ]
