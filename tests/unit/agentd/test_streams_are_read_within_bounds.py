"""Lines, server-sent events and documents from a hostile task: bounded, and nothing quoted."""

import pytest

from agentd.executors.message_stream import MessageStream
from agentd.executors.structured import structured
from agentd.lines import Lines
from agentd.strict_json import Malformed, depth, loads


def test_lines_come_whole_however_they_are_cut() -> None:
    lines = Lines()
    got = [line for byte in b"one\ntwo\n\nthree" for line in lines.feed(bytes([byte]))]
    assert got == [b"one", b"two", b""]


def test_a_line_over_the_bound_is_dropped_whole_and_the_next_is_read() -> None:
    lines = Lines(bytes_max=4)
    got = [line for chunk in (b"12", b"345", b"678\nok\n") for line in lines.feed(chunk)]
    assert got == [b"ok"]
    assert lines.dropped == 1


def test_an_answer_is_put_together_from_its_events() -> None:
    stream = MessageStream()
    stream.feed(
        b'event: x\ndata: {"type":"message_start","message":{"usage":{"input_tokens":3}}}\n'
    )
    stream.feed(b'\n: comment\ndata:{"type":"content_block_delta","delta":{"text":"he')
    stream.feed(b'llo"}}\n\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},')
    stream.feed(b'"usage":{"output_tokens":2}}\n\ndata: {"type":"message_stop"}\n\n')
    assert (stream.text, stream.stop_reason, stream.over) == ("hello", "end_turn", True)
    assert (stream.usage.input_tokens, stream.usage.output_tokens) == (3, 2)


def test_an_error_in_the_stream_is_kept() -> None:
    stream = MessageStream()
    stream.feed(b'data: {"type":"error","error":{"message":"overloaded"}}\n\n')
    assert (stream.error, stream.over) == ("overloaded", False)


@pytest.mark.parametrize("event", ["7", "{}", '{"type":"message_start","message":7}', "[", "{}x"])
def test_an_event_of_another_shape_is_passed_over(event: str) -> None:
    stream = MessageStream()
    stream.feed(f"data: {event}\n\n".encode())
    assert stream.text == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"n": 1}', {"n": 1}), ('```json\n{"n": 1}\n```', {"n": 1}), ("```\n[1]\n```\n", [1])],
)
def test_json_is_found_with_and_without_a_fence(text: str, expected: object) -> None:
    assert structured(text) == expected


@pytest.mark.parametrize("text", ["", "hello", "```", "``````", '{"a": 1, "a": 2}', "NaN"])
def test_what_is_not_one_json_document_is_none(text: str) -> None:
    assert structured(text) is None


@pytest.mark.parametrize(
    "document", ["{", '{"secret": tru', '{"secret":1,"secret":2}', "[" * 99999]
)
def test_a_refusal_of_json_never_quotes_it(document: str) -> None:
    with pytest.raises(Malformed) as refused:
        loads(document)
    assert "secret" not in str(refused.value)


def test_depth_counts_containers() -> None:
    documents: list[object] = [1, [], [[1]], {"a": [{}]}]
    assert [depth(each) for each in documents] == [0, 1, 2, 3]
