"""A CLI that stops reading its tools' answers costs agentd a bounded wait, never a thread for ever."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from agentd.mcp.calls import Calls
from agentd.mcp.session import Session, send

PING = b'{"jsonrpc":"2.0","id":%d,"method":"tools/list"}\n'
WITHIN_S = 0.3
ENDS_S = 10.0


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with ours, theirs:
        yield ours, theirs


def serving(ours: socket.socket) -> threading.Thread:
    session = Session(ours, cast(Calls, None), reads_within_s=WITHIN_S)
    thread = threading.Thread(target=session.run, daemon=True)
    thread.start()
    return thread


def test_who_asks_and_never_reads_is_let_go(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    thread = serving(ours)
    theirs.settimeout(ENDS_S)
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        theirs.sendall(b"".join(PING % number for number in range(10_000)))
    thread.join(ENDS_S)
    assert not thread.is_alive()


def test_who_reads_a_little_now_and_then_is_let_go_too(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = pair
    stop = threading.Event()

    def sip() -> None:
        while not stop.wait(WITHIN_S / 10):
            if not theirs.recv(4096):
                return

    drinker = threading.Thread(target=sip, daemon=True)
    drinker.start()
    began_s = time.monotonic()
    with pytest.raises(TimeoutError):
        send(ours, b"x" * (1 << 22), within_s=WITHIN_S)
    assert time.monotonic() - began_s < ENDS_S / 2
    stop.set()
    drinker.join()


def test_who_is_quiet_is_waited_for(pair: tuple[socket.socket, socket.socket]) -> None:
    """The bound is for what is written: a CLI may say nothing for hours."""
    ours, theirs = pair
    thread = serving(ours)
    thread.join(3 * WITHIN_S)
    assert thread.is_alive()
    theirs.sendall(PING % 7)
    assert answer(theirs)["id"] == 7
    theirs.close()
    thread.join(ENDS_S)
    assert not thread.is_alive()


def answer(theirs: socket.socket) -> dict[str, Any]:
    with theirs.makefile("rb") as lines:
        found: dict[str, Any] = json.loads(lines.readline())
    return found
