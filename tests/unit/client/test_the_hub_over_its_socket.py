"""The client of the hub: what it sends, what it keeps, what it says when nobody is there."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agentctl.client import Hub, connect, target
from agentctl.errors import AgentctlError, ConfigError, HubUnavailable, NotFound
from agentctl.paths import StatePaths


@dataclass
class Settings:
    hub: str
    state: Path


def test_parameters_of_none_are_left_out_and_lists_are_repeated(hub: Any) -> None:
    Hub(str(hub.path)).get("/api/hub/tasks", {"state": None, "holds": ["a:1", "b:2"], "limit": 5})
    assert hub.seen[0][:2] == ("GET", "/api/hub/tasks?holds=a%3A1&holds=b%3A2&limit=5")


def test_a_post_is_json_with_the_callers_headers(hub: Any) -> None:
    answer = Hub(f"unix://{hub.path}").post(
        "/api/hub/tasks", {"prompt": "ü"}, {"Idempotency-Key": "k"}
    )
    method, path, headers, body = hub.seen[0]
    assert answer == {"ok": True}
    assert (method, path, body) == ("POST", "/api/hub/tasks", {"prompt": "ü"})
    assert headers["content-type"] == "application/json"
    assert headers["idempotency-key"] == "k"
    assert "authorization" not in headers


def test_one_connection_serves_many_calls_of_a_thread(hub: Any) -> None:
    client = Hub(str(hub.path))
    for _ in range(5):
        client.get("/api/hub/status")
    assert hub.connections == 1


def test_each_thread_has_its_own_connection(hub: Any) -> None:
    client = Hub(str(hub.path))
    threads = [threading.Thread(target=client.get, args=("/x",)) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert hub.connections == 3


def test_a_connection_that_the_hub_closed_while_idle_is_replaced_even_for_a_post(hub: Any) -> None:
    client = Hub(str(hub.path))
    hub.hang_up_after_answer = True
    for number in range(1, 4):
        client.post("/x", {})
        deadline = time.monotonic() + 5
        while hub.closed < number and time.monotonic() < deadline:
            time.sleep(0.005)
    assert (len(hub.seen), hub.connections) == (3, 3)


def test_a_get_on_a_kept_connection_that_dies_is_asked_again(hub: Any) -> None:
    client = Hub(str(hub.path))
    client.get("/x")
    hub.hang_up_before_answer = 1
    assert client.get("/x") == {"ok": True}


def test_a_post_that_may_have_been_heard_is_not_sent_twice(hub: Any) -> None:
    client = Hub(str(hub.path))
    client.get("/x")
    hub.hang_up_before_answer = 1
    with pytest.raises(HubUnavailable):
        client.post("/x", {})
    assert [each[0] for each in hub.seen] == ["GET", "POST"]


def test_a_post_with_an_idempotency_key_is_sent_again(hub: Any) -> None:
    client = Hub(str(hub.path))
    client.get("/x")
    hub.hang_up_before_answer = 1
    assert client.post("/x", {}, {"Idempotency-Key": "k"}) == {"ok": True}


def test_an_answer_that_came_too_late_is_never_the_next_calls_answer(hub: Any) -> None:
    client = Hub(str(hub.path))
    client.get("/x")
    hub.hold.clear()
    for _ in range(2):
        with pytest.raises(HubUnavailable, match=r"did not answer GET /slow within 0\.1 s"):
            client.get("/slow", {"wait": 1}, timeout_s=0.1)
    hub.reply = (200, {}, b'{"mine": 1}')
    hub.hold.set()
    assert client.get("/x") == {"mine": 1}
    assert hub.connections == 3


def test_an_absent_hub_says_what_to_do(tmp_path: Path) -> None:
    client = connect(Settings(hub="", state=tmp_path / "state"))
    with pytest.raises(HubUnavailable) as caught:
        client.get("/healthz")
    socket = StatePaths(tmp_path / "state").operator_socket
    assert str(caught.value) == (
        f"the hub at {socket} does not answer (there is no such socket); "
        f"is `agentctl serve` running with the state directory {tmp_path}/state?"
    )
    assert caught.value.exit_code == 4


def test_problems_are_raised(hub: Any) -> None:
    hub.reply = (404, {}, b'{"type": "urn:agentctl:problem:not-found", "detail": "no task t"}')
    with pytest.raises(NotFound, match="no task t"):
        Hub(str(hub.path)).get("/api/hub/tasks/t")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"'])
def test_an_answer_that_is_no_json_object_is_an_error(hub: Any, body: bytes) -> None:
    hub.reply = (200, {}, body)
    with pytest.raises(AgentctlError, match="GET /x was answered with"):
        Hub(str(hub.path)).get("/x")


def test_a_named_hub_goes_before_the_states_own(tmp_path: Path) -> None:
    assert target(Settings(hub="http://127.0.0.1:8700", state=tmp_path)) == "http://127.0.0.1:8700"


@pytest.mark.parametrize(
    "bad", ["ftp://x", "http://", "http://h:99999", "http://h/path", "http://h:x"]
)
def test_what_is_no_address_is_refused(bad: str) -> None:
    with pytest.raises(ConfigError):
        Hub(bad)


def test_a_token_never_crosses_a_network_in_the_clear() -> None:
    with pytest.raises(ConfigError, match="in the clear"):
        Hub("http://hub.example:8700", token="op1.x.y")
    for safe in ("http://127.0.0.1:8700", "http://[::1]:8700", "https://hub.example"):
        assert "op1" not in repr(Hub(safe, token="op1.x.y"))


def test_a_token_is_shown_as_bearer(hub: Any) -> None:
    Hub(str(hub.path), token="op1.x.y").get("/x")
    assert hub.seen[0][2]["authorization"] == "Bearer op1.x.y"
