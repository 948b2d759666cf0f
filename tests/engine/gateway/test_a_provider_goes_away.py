"""A real stand-in provider is stopped, started and made slow: what calls get, and what the hub is told."""

import json
import socket
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from agentctl.demo.script import Answer, error
from agentctl.demo.standin import Standin
from agentctl.gateway import away_watch, open_calls, probe
from agentctl.monitor import circuit_calls
from tests.engine.gateway.conftest import KEY, TOKEN, until

WAITS = "the task waits until it is over"


def told(stage: Any) -> list[dict[str, Any]]:
    """Return which providers the hub was last told are away."""
    return stage.hub.keys_told[-1]["away"] if stage.hub.keys_told else []


def port_of(model: Standin) -> int:
    port = urlsplit(model.url).port
    assert port is not None
    return port


def test_a_provider_that_is_down_ends_the_attempt_and_is_told_until_it_is_back(stage: Any) -> None:
    until(lambda: stage.hub.keys_told[-1:] and stage.hub.keys_told[-1]["generation"], what="a look")
    port = port_of(stage.model)
    stage.model.close()
    status, headers, body = stage.door.ask()
    assert (status, headers["x-should-retry"]) == (403, "false")
    assert json.loads(body)["error"]["message"] == f"provider claude can't be reached; {WAITS}"
    why = f"provider claude can't be reached at http://127.0.0.1:{port}: Connection refused"
    assert (stage.hub.usage["call-1"]["status"], stage.hub.usage["call-1"]["why"]) == (
        "provider-away",
        why,
    )
    row = {"provider": "claude", "agent": "", "cause": "unreachable", "why": why}
    assert told(stage) == [{**row, "trial": False, "until_s": None}]
    with Standin(port=port):
        until(lambda: not told(stage), within_s=10.0, what="the word that it is back")
        assert stage.door.ask()[0] == 200


def test_a_call_rides_over_a_restart(stage: Any) -> None:
    port = port_of(stage.model)
    stage.model.close()
    answers: list[int] = []
    client = threading.Thread(target=lambda: answers.append(stage.door.ask()[0]))
    client.start()
    until(lambda: stage.hub.asked, what="the call")
    with Standin(port=port):
        client.join(10)
        assert answers == [200]


def test_a_slow_provider_is_not_away(stage: Any) -> None:
    stage.model.slow_s = 1.5
    assert stage.door.ask(stream=True)[0] == 200
    assert not any(each["away"] for each in stage.hub.keys_told)


def test_a_key_that_the_provider_refuses_is_proved_by_a_probe(stage: Any) -> None:
    stage.model.keys = frozenset({"another"})
    status, _, body = stage.door.ask()
    assert status == 403
    assert json.loads(body)["error"]["message"] == f"provider claude refuses its key; {WAITS}"
    (row,) = told(stage)
    assert (row["agent"], row["cause"]) == ("", "key")
    assert row["why"] == "provider claude refuses the key (401)"


@pytest.mark.parametrize("status", [401, 403])
def test_a_request_that_alone_is_refused_says_nothing_of_the_key(stage: Any, status: int) -> None:
    """A hostile agent may find words that a provider's front door refuses."""
    stage.model.keys = frozenset({KEY})
    stage.model.answer = lambda request: error(status, "permission_error", "no")
    assert stage.door.ask()[0] == status
    assert not told(stage)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_calls, "FAILING_S", 0.0)


@pytest.mark.usefixtures("hasty")
def test_what_one_agents_calls_come_to_holds_that_agent_alone(stage: Any) -> None:
    stage.model.answer = lambda request: error(500, "api_error", "garbage in")
    statuses = [stage.door.ask()[0] for _ in range(circuit_calls.CALLS_FAILED)]
    assert statuses == [500, 500, 500, 403]
    (row,) = told(stage)
    assert (row["provider"], row["agent"], row["cause"]) == ("claude", "thinker", "failing")
    assert stage.door.ask()[0] == 403, "this attempt is told to stop, and asks no more"
    asked = len(stage.model.requests)
    stage.hub.agent, stage.hub.task = "another", "task-2"
    stage.model.answer = lambda request: Answer(text="well")
    assert stage.door.ask()[0] == 200
    assert len(stage.model.requests) == asked + 1
    assert [each["agent"] for each in told(stage)] == ["thinker"]


@pytest.mark.usefixtures("hasty")
def test_a_stopped_attempt_brings_about_no_more(stage: Any) -> None:
    stage.model.answer = lambda request: error(500, "api_error", "garbage in")
    for _ in range(10):
        stage.door.ask()
    assert len(stage.model.requests) == circuit_calls.CALLS_FAILED


def test_a_quota_is_told_with_its_end_and_other_agents_go_on(stage: Any) -> None:
    later = (("Retry-After", "3600"),)
    raw = json.dumps({"type": "error", "error": {"type": "rate_limit_error", "message": "no"}})
    stage.model.answer = lambda request: Answer(status=429, raw=raw.encode(), headers=later)
    assert stage.door.ask()[0] == 403
    (row,) = told(stage)
    assert (row["agent"], row["cause"]) == ("thinker", "quota")
    assert row["until_s"] is not None
    asked = len(stage.model.requests)
    assert stage.door.ask()[0] == 403
    assert len(stage.model.requests) == asked, "nobody asks before"
    stage.hub.agent = "another"
    stage.model.answer = lambda request: Answer(text="well")
    assert stage.door.ask()[0] == 200


def test_a_short_429_is_the_clients_to_wait_out(stage: Any) -> None:
    short = (("Retry-After", "20"),)
    stage.model.answer = lambda request: Answer(status=429, raw=b"{}", headers=short)
    status, headers, _ = stage.door.ask()
    assert (status, headers["retry-after"]) == (429, "20")
    assert not told(stage)


def test_a_stream_that_breaks_off_has_the_provider_probed(stage: Any, tmp_path: Path) -> None:
    stage.model.slow_s = 30.0
    response = stage.door.open(stream=True)
    until(lambda: stage.model.open_streams, what="a stream")
    stage.model.close()
    stage.model.drop()
    with response:
        assert b"event: error" in response.read()
    until(lambda: told(stage), within_s=8.0, what="the word that it is away")


def test_a_provider_that_hangs_is_found_by_the_calls_that_wait_for_it(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes connections and says nothing: its calls may wait, new work need not."""
    monkeypatch.setattr(open_calls, "SILENT_S", 0.3)
    monkeypatch.setattr(away_watch, "SILENT_EVERY_S", 0.3)
    monkeypatch.setattr(probe, "TIMEOUT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        stage.hub.provider["base_url"] = f"http://127.0.0.1:{hangs.getsockname()[1]}"
        connection = stage.door.connect()
        headers = {"authorization": f"Bearer {TOKEN}"}
        connection.request("POST", "/claude/v1/messages", b'{"model":"m"}', headers)
        (row,) = until(lambda: told(stage), within_s=10.0, what="the word that it is away")
        assert row["why"].endswith(": it took too long")
        connection.close()
