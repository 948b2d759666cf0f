"""A granted call goes to its provider with the real key, and its answer comes back as it is made."""

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agentctl.demo.script import Answer, Tool, error

KEY = "sk-real-key"
TOKEN = "mt1.task-1.1.secret-of-the-task"


def text_of(stream: bytes) -> str:
    events = [json.loads(line[6:]) for line in stream.split(b"\n") if line.startswith(b"data: ")]
    return "".join(e["delta"].get("text", "") for e in events if e["type"] == "content_block_delta")


def test_the_real_key_goes_in_and_the_model_token_stays_here(stage: Any) -> None:
    status, headers, body = stage.door.ask(headers={"authorization": f"Bearer {TOKEN}"})
    sent = stage.model.requests[0]
    assert status == 200
    assert json.loads(body)["content"][0]["text"].startswith("This is the test stand-in")
    assert sent.headers["x-api-key"] == KEY
    assert "authorization" not in sent.headers
    assert TOKEN not in str(sent)
    assert KEY not in str((headers, body))


def test_the_token_may_come_as_an_api_key_too(stage: Any) -> None:
    assert stage.door.ask(headers={"x-api-key": TOKEN})[0] == 200
    assert stage.hub.asked[0]["token"] == TOKEN
    assert stage.model.requests[0].headers["x-api-key"] == KEY


def test_the_hub_is_asked_with_what_the_call_is(stage: Any) -> None:
    stage.door.ask()
    asked = stage.hub.asked[0]
    assert set(asked) == {"token", "container", "provider", "path", "model"}
    assert (asked["provider"], asked["path"], asked["model"]) == ("claude", "/v1/messages", "m")


def test_the_clients_betas_and_query_are_passed_on_and_other_words_are_not(stage: Any) -> None:
    headers = {"authorization": f"Bearer {TOKEN}", "anthropic-beta": "b-1", "x-smuggled": "s"}
    stage.door.ask("/claude/v1/messages?beta=true", headers=headers)
    stage.door.ask("/claude/v1/messages?beta=true&to=elsewhere")
    first, second = stage.model.requests
    assert first.path == "/v1/messages?beta=true"
    assert first.headers["anthropic-beta"] == "b-1"
    assert "x-smuggled" not in first.headers
    assert second.path == "/v1/messages"


def test_a_stream_arrives_as_it_is_made(stage: Any) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="word " * 50, parts=50, gate=gate)
    response = stage.door.open(stream=True)
    try:
        first = response.read1(65536)
        assert first.startswith(b"event: message_start")  # and the end isn't even made yet
    finally:
        gate.set()
    rest = response.read()
    assert text_of(first + rest) == "word " * 50
    assert rest.endswith(b'data: {"type": "message_stop"}\n\n')


def test_usage_of_a_stream_is_known_to_the_hub_before_the_client_sees_its_end(stage: Any) -> None:
    stage.model.answer = lambda request: Answer(text="x" * 400)
    response = stage.door.open(stream=True)
    body = b""
    while b"message_stop" not in body:
        body += response.read1(65536)
    assert stage.hub.usage["call-1"] == {
        "input_tokens": 21,
        "output_tokens": 100,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "status": "200",
    }
    response.close()


def test_usage_of_a_whole_answer_is_known_to_the_hub_before_the_client_has_it(stage: Any) -> None:
    stage.model.answer = lambda request: Answer(text="x" * 400)
    stage.door.ask()
    assert stage.hub.usage["call-1"]["output_tokens"] == 100


def test_counting_tokens_uses_none(stage: Any) -> None:
    status, _, body = stage.door.ask("/claude/v1/messages/count_tokens")
    assert (status, "input_tokens" in json.loads(body)) == (200, True)
    assert stage.hub.usage["call-1"]["input_tokens"] == 0
    assert stage.model.requests[0].path == "/v1/messages/count_tokens"


def test_tools_pass_through(stage: Any) -> None:
    tool = Tool(name="Bash", input={"command": "ls"})
    stage.model.answer = lambda request: Answer(text="I look.", tools=(tool,))
    _, _, body = stage.door.ask(stream=True)
    assert b'"name": "Bash"' in body
    assert b'"stop_reason": "tool_use"' in body


def test_a_body_of_thirty_two_mebibytes_passes_and_one_more_byte_does_not(stage: Any) -> None:
    head, tail = b'{"model":"m","messages":[{"role":"user","content":"', b'"}]}'
    most = 32 * 1024 * 1024 - len(head) - len(tail)
    status, _, _ = stage.door.ask(body=head + b"x" * most + tail)
    assert status == 200
    assert len(stage.model.requests[0].body) == 32 * 1024 * 1024
    with pytest.raises((OSError, http.client.HTTPException)):  # it hangs up: no use in reading on
        stage.door.ask(body=head + b"x" * (most + 1) + tail)
    assert len(stage.model.requests) == 1


def test_a_providers_refusal_passes_with_its_own_words_but_not_all_of_its_headers(
    stage: Any,
) -> None:
    refusal = error(429, "rate_limit_error", f"slow down, {KEY}")
    stage.model.answer = lambda request: Answer(
        status=429,
        raw=refusal.raw,
        headers=(
            *refusal.headers,
            ("Retry-After", "7"),
            ("Set-Cookie", "a=b"),
            ("anthropic-organization-id", "org-1"),
        ),
    )
    status, headers, body = stage.door.ask(stream=True)
    assert status == 429
    assert headers["retry-after"] == "7"
    assert not {"set-cookie", "anthropic-organization-id"} & set(headers)
    assert json.loads(body)["error"]["message"] == "slow down, [redacted]"
    assert stage.hub.usage["call-1"]["status"] == "429"


def test_a_key_that_is_refused_is_read_again(stage: Any) -> None:
    key = Path(stage.hub.provider["api_key"]["name"])
    stage.model.answer = lambda request: error(401, "authentication_error", "invalid x-api-key")
    assert stage.door.ask()[0] == 401
    key.write_text("sk-second")
    stage.door.ask()
    assert [each.headers["x-api-key"] for each in stage.model.requests] == [KEY, "sk-second"]


def test_a_call_that_has_ended_makes_room_for_the_next(stage: Any) -> None:
    for stream in (True, False) * 10:  # more than a container may have at once
        assert stage.door.ask(stream=stream)[0] == 200


def test_a_prompt_never_stands_in_a_temporary_file(stage: Any) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="done", gate=gate)
    prompt = "x" * (4 * 1024 * 1024)
    client = threading.Thread(target=stage.door.ask, kwargs={"system": prompt})
    client.start()
    try:
        deadline = time.monotonic() + 10
        while not stage.model.open_streams and time.monotonic() < deadline:
            time.sleep(0.01)
        sizes = [each.stat().st_size for each in Path("/proc/self/fd").iterdir() if each.is_file()]
    finally:
        gate.set()
        client.join()
    assert stage.model.requests, "the call was under way"
    assert max(sizes, default=0) < len(prompt)
