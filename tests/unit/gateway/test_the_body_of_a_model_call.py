"""What a body asks for is what the provider will read in it."""

import json
import tracemalloc
from typing import Any

import pytest

from agentctl.errors import MalformedBody, Refused, TooLarge
from agentctl.gateway.envelope import model_of, read


def call(**members: Any) -> bytes:
    return json.dumps({"model": "m", **members}).encode()


def test_model_and_stream_are_read_and_the_rest_is_passed_on() -> None:
    sent = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hé"}], "x": 1.5}
    envelope = read(json.dumps(sent).encode())
    assert (envelope.model, envelope.stream) == ("m", True)
    assert json.loads(envelope.body) == sent


def test_of_a_name_that_stands_twice_only_the_one_that_was_checked_goes_on() -> None:
    envelope = read(b'{"model":"other","model":"m","messages":[{"a":1,"a":2}]}')
    assert envelope.model == "m"
    assert envelope.body == b'{"model":"m","messages":[{"a":2}]}'


@pytest.mark.parametrize("name", ["Model", "MODEL", "moDel"])
def test_a_name_that_a_lenient_reader_takes_for_model_is_refused(name: str) -> None:
    with pytest.raises(MalformedBody):
        read(call(**{name: "expensive"}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"model":1}',
        b'{"model":""}',
        b'{"model":"m","stream":"yes"}',
        b'{"model":"m","x":NaN}',
        b'{"model":"m","x":"\xff"}',
        b'{"model":"m","x":"\\ud800"}',
        b'{"model":"m"} x',
        b'{"model":"m","x":' + b"[" * 100_000,
    ],
)
def test_anything_else_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read(body)


@pytest.mark.parametrize(
    "members",
    [
        {"mcp_servers": [{"type": "url", "url": "https://x", "name": "x"}]},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"tools": [{"type": "web_fetch_20250910", "name": "web_fetch"}]},
        {"tools": [{"name": "mine"}, {"type": "mcp_toolset", "mcp_server_name": "x"}]},
        {"messages": [{"content": [{"type": "image", "source": {"type": "url", "url": "u"}}]}]},
        {
            "messages": [
                {
                    "content": [
                        {
                            "type": "tool_result",
                            "content": [{"type": "document", "source": {"type": "url"}}],
                        }
                    ]
                }
            ]
        },
        {"system": [{"type": "text", "source": {"type": "url"}}]},
    ],
)
def test_what_has_the_provider_reach_elsewhere_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        read(call(**members))
    assert caught.value.rule == "no-reach-beyond-the-provider"


@pytest.mark.parametrize(
    "members",
    [
        {"mcp_servers": []},
        {"tools": [{"name": "WebFetch", "input_schema": {"type": "object"}}]},
        {"tools": [{"type": "custom", "name": "t"}, {"type": "bash_20250124", "name": "bash"}]},
        {"messages": [{"content": "see https://x"}]},
        {"messages": [{"content": [{"type": "image", "source": {"type": "base64", "data": ""}}]}]},
        {
            "messages": [
                {"content": [{"type": "tool_use", "input": {"source": {"type": "url"}}, "id": "1"}]}
            ]
        },
    ],
)
def test_an_ordinary_call_is_not(members: dict[str, Any]) -> None:
    assert json.loads(read(call(**members)).body) == {"model": "m", **members}


def test_the_model_is_found_without_making_what_stands_beside_it() -> None:
    """Of a stranger's 8 MiB nothing is made but the name: read whole they were 200 MB."""
    wide = b'{"messages":[' + b"[]," * 2_700_000 + b'1],"model":"m"}'
    many = b"{" + b"".join(b'"a%d":{},' % at for at in range(700_000)) + b'"model":"m"}'
    for raw in (wide, many):
        tracemalloc.start()
        assert model_of(raw) == "m"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
        tracemalloc.stop()
        with pytest.raises(TooLarge):
            read(raw)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"{}", b'{"model":1}', b'{"model":""}', b"[" * 9999]
)
def test_a_body_without_a_model_is_none(raw: bytes) -> None:
    with pytest.raises(MalformedBody):
        model_of(raw)


def test_a_long_text_full_of_commas_is_one_value() -> None:
    assert read(call(system='[{"a\\": ' * 400_000)).model == "m"


def test_of_a_model_that_stands_twice_both_readers_take_the_same() -> None:
    raw = b'{"model":"a","model":"b"}'
    assert model_of(raw) == read(raw).model
