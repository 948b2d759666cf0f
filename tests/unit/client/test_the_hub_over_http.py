"""The client over HTTP: it names what is wrong with an address, a scheme or a token."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from agentctl.cli import run
from agentctl.client import Hub, connect
from agentctl.client import hub as module
from agentctl.errors import ConfigError, HubUnavailable, Unauthenticated

AUTHENTICATE = "set AGENTCTL_TOKEN; `agentctl token create` on the hub's machine makes one"


@dataclass
class Settings:
    hub: str
    state: Path


class _Unauthenticated(BaseHTTPRequestHandler):
    seen: list[str | None]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        problem = {"type": "urn:agentctl:problem:unauthenticated", "detail": "no", "hint": "h"}
        body = json.dumps(problem).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def refusing() -> Iterator[tuple[str, list[str | None]]]:
    seen: list[str | None] = []
    handler = type("Handler", (_Unauthenticated,), {"seen": seen})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


@contextmanager
def listener(answer: bytes | None) -> Iterator[int]:
    """Accept one connection; answer, or (None) say nothing."""
    done = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listening.accept()
            with connection:
                if answer is not None:
                    connection.recv(4096)
                    connection.sendall(answer)
                done.wait(10)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        done.set()


@pytest.mark.parametrize("token", [None, "op1.x.y"])
def test_a_token_that_is_missing_or_wrong_is_told_in_the_shells_words(
    refusing: tuple[str, list[str | None]], token: str | None
) -> None:
    with pytest.raises(Unauthenticated) as caught:
        Hub(refusing[0], token=token).get("/x")
    assert str(caught.value) == f"no; {AUTHENTICATE}"


def test_an_empty_token_is_none(
    refusing: tuple[str, list[str | None]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AGENTCTL_TOKEN", "")
    with pytest.raises(Unauthenticated):
        connect(Settings(hub=refusing[0], state=tmp_path)).get("/x")
    assert refusing[1] == [None]


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_tls_to_a_plain_port_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | None
) -> None:
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.3)
    with listener(answer) as port, pytest.raises(HubUnavailable) as caught:
        Hub(f"https://127.0.0.1:{port}").get("/x")
    assert str(caught.value).startswith(
        f"what listens at https://127.0.0.1:{port} does not speak TLS; "
        f"the hub itself speaks plain HTTP: http://127.0.0.1:{port} on its own machine"
    )
    assert caught.value.exit_code == 4


def test_nobody_there_is_not_called_a_lack_of_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(HubUnavailable, match=r"does not answer \(Connection refused\)"):
        Hub(f"https://127.0.0.1:{port}").get("/x")


@pytest.mark.parametrize(
    "target", ["127.0.0.1:8700", "localhost:8700", "[::1]:8700", "hub.lan:80/"]
)
def test_an_address_without_a_scheme_is_no_sockets_path(target: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Hub(target)
    assert str(caught.value).endswith(f"; write http://{target.rstrip('/')}")


def test_a_socket_of_such_a_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd:8700").touch()
    assert Hub("odd:8700").target == "odd:8700"
    assert Hub("unix://other:8700").target == "other:8700"


@pytest.mark.parametrize(
    "target",
    [
        "https://ops:s3cr3t@hub.example:8700",
        "https://ops:s3cr3t@hub.example",
        "https://s3cr3t@hub.example:bad",
        "https://ops:s3/cr3t@hub.example:8700/x?y=s3cr3t",
        "https://ops:s3cr3t@",
        "ftp://ops:s3cr3t@hub.example",
        "ops:s3cr3t@hub.example:8700",
        "ops:s3/cr3t@hub.example:8700",
        "HTTPS://ops:s3cr3t@hub.example",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--hub", target, "--debug", "status"]) != 0
    told = capsys.readouterr()
    assert "names a user or a password" in told.err
    assert "AGENTCTL_TOKEN" in told.err
    for secret in ("s3cr3t", "cr3t", "hub.example"):
        assert secret not in told.err + told.out


def test_a_socket_with_an_at_in_its_path_is_a_path(tmp_path: Path) -> None:
    assert Hub(str(tmp_path / "user@1000:x.sock")).over_http is False
    assert Hub(f"unix://{tmp_path}/user@1000:x.sock").over_http is False
