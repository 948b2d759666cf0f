"""A superseded attempt spends nothing more, a vanished client leaves nothing running, a hub may restart."""

import json
import threading
import time
from typing import Any

import pytest

from agentctl.demo.script import Answer

SOON_S = 2.5  # one look a second, and slack for a busy machine


def until(look: Any, *, within_s: float = 5.0) -> None:
    deadline = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline, f"it did not happen within {within_s} s"
        time.sleep(0.01)


def test_a_stale_attempt_is_cut_in_mid_stream(stage: Any) -> None:
    gate = threading.Event()  # never set: the model would go on for ever
    stage.model.answer = lambda request: Answer(text="so far", gate=gate)
    response = stage.door.open(stream=True)
    first = response.read1(65536)
    assert b"message_start" in first
    stage.hub.stale.add("call-1")
    until(lambda: stage.model.open_streams == 0, within_s=SOON_S)
    last = response.read().split(b"event: error\ndata: ")[1]
    assert json.loads(last)["error"]["message"] == "attempt 1 of task-1 is no longer current"
    assert stage.hub.usage["call-1"]["status"] == "cut"
    assert stage.hub.usage["call-1"]["input_tokens"] == 21


def test_a_stale_attempt_is_cut_while_the_model_still_thinks(stage: Any) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="late", gate=gate)
    answers: list[tuple[int, str, str]] = []
    client = threading.Thread(target=lambda: answers.append(stage.door.error()))
    client.start()
    until(lambda: stage.model.open_streams == 1)
    stage.hub.stale.add("call-1")
    client.join(SOON_S)
    assert answers == [(502, "api_error", "attempt 1 of task-1 is no longer current")]
    until(lambda: stage.model.open_streams == 0)


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_ends_its_call(stage: Any, stream: bool) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="unheard", gate=gate)
    connection = stage.door.connect()
    said = [{"role": "user", "content": "word " * 1000}]
    body = json.dumps({"model": "m", "stream": stream, "messages": said})
    token = {"authorization": "Bearer mt1.task-1.1.secret-of-the-task"}
    connection.request("POST", "/claude/v1/messages", body, token)
    until(lambda: stage.model.open_streams == 1)
    connection.close()
    until(lambda: stage.model.open_streams == 0, within_s=SOON_S)
    until(lambda: "call-1" in stage.hub.usage)
    # A stream begins with a count; where none has come yet, what was sent is paid for all the same.
    counted = 21 if stream else len(body) // 4
    assert stage.hub.usage["call-1"]["input_tokens"] == counted


def test_all_open_calls_are_asked_for_in_one_request(stage: Any) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="x", gate=gate)
    streams = [stage.door.open(stream=True) for _ in range(3)]
    until(lambda: ["call-1", "call-2", "call-3"] in stage.hub.looks)
    gate.set()
    for each in streams:
        assert b"message_stop" in each.read()


def test_a_stream_outlives_a_hub_that_is_away_and_its_usage_is_told_afterwards(stage: Any) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="x" * 40, gate=gate)
    response = stage.door.open(stream=True)
    stage.hub.stop()
    gate.set()
    assert b"message_stop" in response.read()
    assert stage.hub.usage == {}
    stage.hub.start()
    until(lambda: "call-1" in stage.hub.usage)
    assert stage.hub.usage["call-1"]["output_tokens"] == 10


def test_a_stream_outlives_a_hub_that_restarted_and_forgot_it(stage: Any) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="x" * 40, gate=gate)
    response = stage.door.open(stream=True)
    stage.hub.forgotten.add("call-1")
    until(lambda: ["call-2"] in stage.hub.looks)
    gate.set()
    assert b"message_stop" in response.read()
    assert stage.hub.usage["call-2"]["output_tokens"] == 10
    assert len(stage.model.requests) == 1


def test_a_new_call_waits_for_a_hub_that_restarts(stage: Any) -> None:
    stage.hub.stop()
    answers: list[int] = []
    client = threading.Thread(target=lambda: answers.append(stage.door.ask()[0]))
    client.start()
    stage.hub.start()
    client.join(10)
    assert answers == [200]


def test_a_hub_that_stays_away_is_an_overload(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentctl.gateway.hub_side.HELD_S", 0.3)
    stage.hub.stop()
    status, headers, body = stage.door.ask()
    assert status == 529
    assert headers["retry-after"] == "5"
    assert json.loads(body)["error"] == {
        "type": "overloaded_error",
        "message": "the hub is away; try again",
    }
    assert stage.model.requests == ()


def test_a_provider_that_stops_in_the_middle_is_an_error_event_not_a_quiet_end(stage: Any) -> None:
    gate = threading.Event()
    stage.model.answer = lambda request: Answer(text="half of it", gate=gate)
    response = stage.door.open(stream=True)
    body = response.read1(65536)
    stage.model.drop()
    body += response.read()
    message = "provider claude stopped in the middle of its answer"
    assert json.loads(body.split(b"event: error\ndata: ")[1])["error"]["message"] == message
    assert stage.hub.usage["call-1"]["status"] == "upstream-failed"


def test_a_stream_without_its_last_event_is_an_error_event_too(stage: Any) -> None:
    half = b'event: message_start\ndata: {"type":"message_start","message":{}}\n\n'
    kind = (("Content-Type", "text/event-stream"),)
    stage.model.answer = lambda request: Answer(raw=half, headers=kind)
    _, _, body = stage.door.ask(stream=True)
    assert body.startswith(half)
    assert b"event: error" in body
