"""The loop's map: the kernel watches each socket for what it waits for, and who is quiet isn't asked."""

import socket
from collections.abc import Iterator
from itertools import chain, repeat

import pytest

from agentctl.web.watched import Watched


class Watching:
    """One end of a socket pair, as waitress's loop sees it."""

    accepting = False

    def __init__(self) -> None:
        self.own, self.other = socket.socketpair()
        self.reads = True
        self.writes = False
        self.asked = 0
        self.seen: list[str] = []

    def readable(self) -> bool:
        self.asked += 1
        return self.reads

    def writable(self) -> bool:
        return self.writes

    def handle_read_event(self) -> None:
        self.seen.append(self.own.recv(100).decode())

    def handle_write_event(self) -> None:
        self.seen.append("written")
        self.writes = False

    def handle_close(self) -> None:
        self.seen.append("closed")


@pytest.fixture
def loop() -> Iterator[tuple[Watched, Watching, Watching]]:
    watched, one, two = Watched(), Watching(), Watching()
    for each in (one, two):
        watched[each.own.fileno()] = each
    watched.turn(0.0)
    yield watched, one, two
    watched.close()
    for each in (one, two):
        each.own.close()
        each.other.close()


def test_a_turn_asks_only_those_that_something_happened_to(
    loop: tuple[Watched, Watching, Watching],
) -> None:
    watched, one, two = loop
    asked = two.asked
    one.other.send(b"hello")
    watched.turn(1.0)
    assert one.seen == ["hello"]
    assert two.asked == asked


def test_who_has_come_to_wait_for_something_else_is_asked_once_attended_to(
    loop: tuple[Watched, Watching, Watching],
) -> None:
    watched, one, _ = loop
    one.writes = True
    assert watched.changed(one.own.fileno())
    watched.attend(one.own.fileno())
    watched.turn(1.0)
    assert one.seen == ["written"]
    assert not watched.changed(one.own.fileno())


def test_who_waits_for_nothing_hears_nothing_until_it_does_again(
    loop: tuple[Watched, Watching, Watching],
) -> None:
    watched, one, _ = loop
    one.reads = False
    watched.attend(one.own.fileno())
    watched.turn(0.0)
    one.other.send(b"later")
    watched.turn(0.0)
    assert one.seen == []
    one.reads = True
    watched.attend(one.own.fileno())
    watched.turn(1.0)
    assert one.seen == ["later"]


def test_a_change_made_while_it_is_asked_is_not_lost() -> None:
    watched, one = Watched(), Watching()
    answers = chain([False], repeat(True))

    def changes_its_mind() -> bool:
        return next(answers)

    one.readable = changes_its_mind  # type: ignore[method-assign]
    watched[one.own.fileno()] = one
    one.writes = True
    one.other.send(b"hello")
    watched.turn(0.0)  # watched for writing alone, as it first said
    watched.turn(1.0)
    assert "hello" in one.seen
    watched.close()
    one.own.close()
    one.other.close()


def test_who_has_left_the_loop_is_not_watched(loop: tuple[Watched, Watching, Watching]) -> None:
    watched, one, _ = loop
    one.other.send(b"hello")
    del watched[one.own.fileno()]
    watched.turn(0.0)
    assert one.seen == []
    assert not watched.changed(one.own.fileno())
