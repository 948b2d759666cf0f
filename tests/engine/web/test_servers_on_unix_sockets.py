"""Servers on real sockets: who connects, how much, how long, and how it ends."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentctl.errors import ConfigError, Conflict
from agentctl.web import listener
from agentctl.web.peer import container_of, peer_of, start_ticks
from agentctl.web.servers import PEER_CONNECTIONS_MAX, Server, tcp_server, unix_server
from tests.engine.web.wire import Gate, Line, Serve, echo, until

GET = b"GET / HTTP/1.1\r\nHost: hub\r\n\r\n"
WAIT = b"GET /wait HTTP/1.1\r\nHost: hub\r\n\r\n"


def myself() -> str:
    ticks = start_ticks(Path("/proc/self/stat").read_text())
    return f"process:{os.getpid()}:{ticks}"


def test_a_peer_is_known_by_pid_uid_and_start_time(serve: Serve, tmp_path: Path) -> None:
    serve()
    _, _, body = Line(tmp_path / "s").say(GET).answer()
    assert json.loads(body) == {
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "container": myself(),
        "bytes": 0,
    }


def test_another_process_is_another_peer(serve: Serve, tmp_path: Path) -> None:
    serve()
    code = (
        "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(b'GET / HTTP/1.0\\r\\nHost: hub\\r\\n\\r\\n');"
        "print(s.makefile().read().splitlines()[-1])"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(child.stdout)
    assert found["pid"] != os.getpid()
    assert found["container"].startswith(f"process:{found['pid']}:")


def test_a_peer_that_ended_before_it_was_looked_at_is_in_no_container(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        code = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])"
        subprocess.run([sys.executable, "-c", code, str(tmp_path / "s")], check=True)
        connection, _ = listening.accept()
        with connection:
            peer = peer_of(connection)
    assert peer.pid > 0
    assert peer.container == ""


def test_a_pid_whose_process_has_ended_is_nobodys_even_when_it_was_given_away_again() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    pidfd = os.pidfd_open(child.pid)
    try:
        assert container_of(os.getpid(), pidfd) == myself()
        child.communicate(b"\n")
        assert container_of(os.getpid(), pidfd) == ""
    finally:
        os.close(pidfd)


def test_one_connection_carries_many_requests(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    line = Line(tmp_path / "s")
    for _ in range(5):
        status, _, _ = line.say(GET).answer()
        assert status == 200
    assert server.connections == 1


def test_a_peer_over_its_share_is_told_so_and_others_still_get_in(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(peer_connections_max=3)
    lines = [Line(tmp_path / "s") for _ in range(3)]
    until(lambda: server.connections == 3)
    refused = Line(tmp_path / "s").all()
    assert refused.startswith(b"HTTP/1.1 429 ")
    assert b"\r\nRetry-After: 1\r\n" in refused
    assert json.loads(refused.partition(b"\r\n\r\n")[2])["type"].endswith(":throttled")
    code = (
        "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(b'GET / HTTP/1.0\\r\\nHost: hub\\r\\n\\r\\n'); print(s.recv(12).decode())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert other.stdout.startswith("HTTP/1.0 200")
    lines.pop().close()
    until(lambda: server.connections == 2)
    assert Line(tmp_path / "s").say(GET).answer()[0] == 200


def test_a_socket_for_the_hubs_own_account_alone_has_no_share(serve: Serve, tmp_path: Path) -> None:
    server = serve(mode=0o600)
    lines = [Line(tmp_path / "s") for _ in range(PEER_CONNECTIONS_MAX + 5)]
    until(lambda: server.connections == len(lines))


def test_who_waits_for_a_client_that_left_learns_of_it(serve: Serve, tmp_path: Path) -> None:
    gate = Gate()
    serve(gate)
    line = Line(tmp_path / "s").say(WAIT)
    assert gate.entered.acquire(timeout=10)
    line.close()
    until(lambda: gate.ended == ["left"])


def test_waiting_requests_hold_threads_and_another_server_answers_meanwhile(
    serve: Serve, tmp_path: Path
) -> None:
    gate = Gate()
    serve(gate, threads=2)
    waiting = [Line(tmp_path / "s").say(WAIT) for _ in range(2)]
    assert all(gate.entered.acquire(timeout=10) for _ in waiting)
    operators = unix_server(echo, tmp_path / "o", mode=0o660, threads=1)
    operators.run_in_thread()
    try:
        assert Line(tmp_path / "o").say(GET).answer()[0] == 200
    finally:
        operators.close()


def test_closing_answers_who_waits_and_takes_the_socket_away(serve: Serve, tmp_path: Path) -> None:
    gate = Gate()
    server = serve(gate)
    line = Line(tmp_path / "s").say(WAIT)
    assert gate.entered.acquire(timeout=10)
    server.close()
    assert line.answer()[2] == b"done"
    assert gate.ended == ["closing"]
    assert not (tmp_path / "s").exists()
    server.close()


def test_a_server_that_never_ran_can_be_closed(tmp_path: Path) -> None:
    server = unix_server(echo, tmp_path / "s", mode=0o600, threads=1)
    server.close()
    assert not (tmp_path / "s").exists()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_closing_leaves_no_thread_and_no_descriptor(tmp_path: Path) -> None:
    before = open_files(), threading.active_count()
    for _ in range(5):
        server = unix_server(echo, tmp_path / "s", mode=0o600, threads=3)
        server.run_in_thread()
        line = Line(tmp_path / "s").say(GET)
        line.answer()
        line.close()
        server.close()
    assert (open_files(), threading.active_count()) == before


def test_closing_leaves_a_successors_socket_alone(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    (tmp_path / "s").unlink()
    successor = unix_server(echo, tmp_path / "s", mode=0o666, threads=1)
    try:
        server.close()
        assert (tmp_path / "s").is_socket()
    finally:
        successor.close()


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o666])
@pytest.mark.parametrize("umask", [0o000, 0o077, 0o022])
def test_a_socket_has_exactly_the_mode_it_was_given(
    serve: Serve, tmp_path: Path, mode: int, umask: int
) -> None:
    before = os.umask(umask)
    try:
        serve(mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == mode


def test_a_stale_socket_is_replaced_and_a_live_one_is_a_conflict(
    serve: Serve, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmp_path / "s"))
        stale.listen()
        with pytest.raises(Conflict, match="another process listens"):
            serve()
    serve()
    with pytest.raises(Conflict, match="another process listens"):
        serve()
    assert Line(tmp_path / "s").say(GET).answer()[0] == 200


def test_a_file_in_the_sockets_place_is_never_removed(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(ConfigError, match="is no socket"):
        serve()
    assert (tmp_path / "s").read_text() == "precious"


def test_a_path_that_no_socket_can_have_is_said_to_be_too_long(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="107 bytes"):
        unix_server(echo, tmp_path / ("x" * 108), mode=0o600, threads=1)


def test_a_port_in_use_is_a_conflict_that_says_what_to_do() -> None:
    first = tcp_server(echo, "127.0.0.1", 0, threads=1)
    try:
        with pytest.raises(Conflict, match=rf"port {first.port} .* in use") as refusal:
            tcp_server(echo, "127.0.0.1", first.port, threads=1)
        assert "--listen" in (refusal.value.hint or "")
    finally:
        first.close()


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.1", 0), ("no such host", 1), ("127.0.0.1", 70000)]
)
def test_an_address_that_is_not_ours_is_a_configuration_error(host: str, port: int) -> None:
    with pytest.raises(ConfigError, match="cannot listen on"):
        tcp_server(echo, host, port, threads=1)


def test_a_tcp_peer_is_nobody(serve: Serve) -> None:
    server: Server = tcp_server(echo, "127.0.0.1", 0, threads=1)
    server.run_in_thread()
    try:
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(b"GET / HTTP/1.0\r\n\r\n")
            body = line.makefile("rb").read().partition(b"\r\n\r\n")[2]
        assert json.loads(body) == {"pid": -1, "uid": -1, "container": "", "bytes": 0}
    finally:
        server.close()


def test_a_request_that_drips_is_cut_off(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "REQUEST_S_MAX", 0.2)
    monkeypatch.setattr(listener, "LOOP_TURN_S", 0.05)
    server = serve()
    line = Line(tmp_path / "s").say(b"GET / HTTP/1.1\r\n")
    until(lambda: server.connections == 1)

    def cut() -> bool:
        try:
            line.say(b"X: y\r\n")
        except OSError:
            return True
        return server.connections == 0

    until(cut)


def test_a_stream_reaches_its_client_piece_by_piece(serve: Serve, tmp_path: Path) -> None:
    seen = threading.Semaphore(0)

    def stream(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        yield b"one"
        assert seen.acquire(timeout=10), "the client never saw the first piece"
        yield b"two"

    serve(stream)
    line = Line(tmp_path / "s").say(GET)
    raw = b""
    while b"one" not in raw:
        raw += line.sock.recv(65536)
    assert b"two" not in raw
    seen.release()
    assert (raw + line.all()).endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
