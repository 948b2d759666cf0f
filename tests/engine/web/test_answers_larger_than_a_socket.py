"""Answers that don't fit the socket's buffer, and requests that come in one packet: the loop's own work."""

import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from agentctl.web.servers import unix_server

LARGE_BYTES = 20 * 1024 * 1024  # above waitress's own high watermark of 16 MiB
PIPELINED = 20


def large(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/large":
        start("200 OK", [("Content-Length", str(LARGE_BYTES))])
        return (b"x" * 65536 for _ in range(LARGE_BYTES // 65536))
    start("200 OK", [("Content-Length", "2")])
    return [b"ok"]


def received(client: socket.socket, count: int) -> bytes:
    parts, left = [], count
    while left > 0:
        data = client.recv(min(left, 1 << 20))
        assert data, "the server hung up early"
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


def test_a_client_that_reads_late_gets_all_of_a_large_answer_and_the_next_one(
    tmp_path: Path,
) -> None:
    server = unix_server(large, tmp_path / "s.sock", mode=0o600, threads=2)
    server.run_in_thread()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(tmp_path / "s.sock"))
            for _ in range(2):
                client.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(1)
                assert received(client, LARGE_BYTES).count(b"x") == LARGE_BYTES
    finally:
        server.close()


def test_requests_that_come_together_are_answered_one_after_the_other(tmp_path: Path) -> None:
    server = unix_server(large, tmp_path / "s.sock", mode=0o600, threads=2)
    server.run_in_thread()
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(str(tmp_path / "s.sock"))
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * PIPELINED)
            answers = b""
            while answers.count(b"\r\n\r\nok") < PIPELINED:
                data = client.recv(65536)
                assert data, answers[-200:]
                answers += data
    finally:
        server.close()
