"""Tokens used, from streams cut anywhere and from whole answers."""

import json
from typing import Any

import pytest

from agentctl.demo.script import Answer, as_events, as_message
from agentctl.model.task import Usage
from agentctl.providers.usage import EVENT_BYTES_MAX, StreamUsage, of_answer

STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":25,'
    b'"cache_creation_input_tokens":7,"cache_read_input_tokens":300,"output_tokens":1}}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":'
    b'"{\\"type\\":\\"message_delta\\",\\"usage\\":{\\"output_tokens\\":9999}}"}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":15}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
USED = Usage(input_tokens=25, output_tokens=15, cache_read_tokens=300, cache_write_tokens=7)


def read(*chunks: bytes) -> StreamUsage:
    stream = StreamUsage()
    for chunk in chunks:
        stream.feed(chunk)
    return stream


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
def test_it_does_not_matter_where_chunks_are_cut(size: int) -> None:
    stream = read(*(STREAM[at : at + size] for at in range(0, len(STREAM), size)))
    assert stream.usage() == USED
    assert stream.finished


def test_line_ends_may_have_carriage_returns() -> None:
    assert read(STREAM.replace(b"\n", b"\r\n")).usage() == USED


def test_later_counts_replace_earlier_ones() -> None:
    delta = b'data: {"type":"message_delta","usage":{"output_tokens":%d}}\n\n'
    assert read(delta % 5, delta % 12).usage().output_tokens == 12


def test_a_stream_cut_short_has_what_was_counted_so_far() -> None:
    stream = read(STREAM[: STREAM.index(b"event: content")])
    assert stream.usage().input_tokens == 25
    assert not stream.finished


@pytest.mark.parametrize(
    "line",
    [
        b'data: {"type":"message_delta"',
        b'data: {"type":"message_delta","usage":null}',
        b'data: {"type":"message_delta","usage":{"output_tokens":-1}}',
        b'data: {"type":"message_delta","usage":{"output_tokens":true}}',
        b'data: {"type":"message_delta","usage":{"output_tokens":"9"}}',
        b'data: {"type":"message_delta","usage":{"output_tokens":1e300}}',
        b'data: {"type":"message_start","message":[]}',
        b'data: ["message_"]',
        b"data: " + b'["message_",' * 100_000,
        b"\xff\xfe",
    ],
)
def test_nonsense_counts_nothing_and_ends_nothing(line: bytes) -> None:
    stream = read(line + b"\n\n", STREAM)
    assert stream.usage() == USED


def test_a_line_without_end_is_not_kept() -> None:
    stream = read(*(b"x" * 65536 for _ in range(3 * EVENT_BYTES_MAX // 65536)))
    assert len(stream._line) <= EVENT_BYTES_MAX
    stream.feed(b"\n" + STREAM)
    assert stream.usage() == USED


@pytest.mark.parametrize(
    "document", [None, [], {}, {"usage": []}, {"usage": {"input_tokens": None}}]
)
def test_an_answer_without_counts_counts_nothing(document: Any) -> None:
    assert of_answer(document) == Usage()


def test_stream_and_whole_answer_of_the_stand_in_agree() -> None:
    answer = Answer(text="twelve words or so, said in one breath and then no more")
    whole = of_answer(as_message(answer, "m"))
    assert read(b"".join(as_events(answer, "m"))).usage() == whole
    assert whole.input_tokens > 0
    assert whole.output_tokens > 1


def delta(text: str) -> bytes:
    event = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": text},
    }
    return b"event: content_block_delta\ndata: " + json.dumps(event).encode() + b"\n\n"


START = (
    b'data: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":1}}}\n\n'
)
LAST = b'data: {"type":"message_delta","delta":{},"usage":{"output_tokens":12}}\n\n'


@pytest.mark.parametrize("text", ["word " * 2000, 'say "message_start" ' * 500, "x" * (3 << 20)])
def test_who_hangs_up_before_the_count_has_spent_what_was_written(text: str) -> None:
    """Else a model's whole answer is one token, for who leaves a moment before its end."""
    stream = StreamUsage()
    stream.feed(START + delta(text))
    written = stream.usage().output_tokens
    assert len(text) // 5 <= written <= len(text) // 3
    assert stream.usage().input_tokens == 7


def test_what_the_provider_counts_in_the_end_is_what_counts() -> None:
    stream = StreamUsage()
    stream.feed(START + delta("word " * 2000) + LAST)
    assert stream.usage().output_tokens == 12
    stream.feed(delta("more " * 400))
    assert 12 + 400 <= stream.usage().output_tokens <= 12 + 700


def test_a_delta_without_a_count_takes_nothing_back() -> None:
    stream = StreamUsage()
    stream.feed(START + delta("word " * 2000))
    before = stream.usage().output_tokens
    for usage in (b"null", b"[]", b'{"output_tokens":null}', b'{"input_tokens":9}'):
        stream.feed(b'data: {"type":"message_delta","usage":' + usage + b"}\n\n")
    assert stream.usage().output_tokens == before
