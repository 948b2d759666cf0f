"""A boot document is written whole or not at all, and never blocks for ever."""

import contextlib
import os
import threading
from collections.abc import Iterator

import pytest

from agentctl.engine.pipe import write_all


@pytest.fixture
def ends() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for each in (reading, writing):
        with contextlib.suppress(OSError):  # the test closed it
            os.close(each)


def test_more_than_the_pipe_holds_arrives_whole(ends: tuple[int, int]) -> None:
    reading, writing = ends
    read = bytearray()

    def drain() -> None:
        while chunk := os.read(reading, 1 << 16):
            read.extend(chunk)

    reader = threading.Thread(target=drain)
    reader.start()
    document = os.urandom(1 << 20)
    write_all(writing, document, within_s=20)
    os.close(writing)
    reader.join(20)
    assert bytes(read) == document


def test_a_reader_that_takes_nothing_is_given_up(ends: tuple[int, int]) -> None:
    with pytest.raises(TimeoutError, match="were not read within"):
        write_all(ends[1], b"x" * (1 << 20), within_s=0.1)


def test_a_dead_reader_is_an_error_at_once(ends: tuple[int, int]) -> None:
    os.close(ends[0])
    with pytest.raises(BrokenPipeError):
        write_all(ends[1], b"x", within_s=5)
