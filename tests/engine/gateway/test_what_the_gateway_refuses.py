"""Whatever isn't this task's own call to its own provider goes nowhere, and says why."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from agentctl.demo.script import Answer
from tests.engine.gateway.conftest import until

TOKEN = "mt1.task-1.1.secret-of-the-task"
WAITS = "the task waits until it is over"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer it1.inst-1.x"},
        {"authorization": "Basic bXQxLg=="},
        {"x-api-key": "sk-ant-mine"},
        {"authorization": "Bearer mt1." + "x" * 300},
    ],
)
def test_without_a_model_token_not_even_the_hub_is_asked(
    stage: Any, headers: dict[str, str]
) -> None:
    status, kind, _ = stage.door.error(headers=headers)
    assert (status, kind) == (401, "authentication_error")
    assert (stage.hub.asked, stage.model.requests) == ([], ())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/claude/v1/messages", 405),
        ("POST", "/claude/v1/complete", 404),
        ("POST", "/claude/v1/messages/batches", 404),
        ("POST", "/claude/v1/messages/", 404),
        ("POST", "/v1/messages", 404),
        ("POST", "/claude/v1/../v1/messages", 404),
        ("POST", "/a%2Fb/v1/messages", 404),
        ("POST", "/%0d%0ax/v1/messages", 404),
        ("POST", "/api/hub/tasks", 404),
    ],
)
def test_no_other_path_or_method_leads_anywhere(
    stage: Any, method: str, path: str, status: int
) -> None:
    assert stage.door.error(path, method=method)[0] == status
    assert (stage.hub.asked, stage.model.requests) == ([], ())


@pytest.mark.parametrize(
    ("hub_says", "status", "kind"),
    [
        ((401, "unauthenticated"), 401, "authentication_error"),
        ((403, "refused"), 403, "permission_error"),
        ((409, "conflict"), 403, "permission_error"),
        ((503, "mode"), 529, "overloaded_error"),
    ],
)
def test_the_hubs_no_is_the_answer(
    stage: Any, hub_says: tuple[int, str], status: int, kind: str
) -> None:
    stage.hub.problem = (hub_says[0], {"type": hub_says[1], "detail": "because"})
    assert stage.door.error() == (status, kind, "because")
    assert stage.model.requests == ()


def test_what_was_granted_is_compared_with_what_was_asked(stage: Any) -> None:
    assert stage.door.error("/other/v1/messages")[:2] == (403, "permission_error")
    status, kind, message = stage.door.error(model="larger")
    assert (status, kind) == (403, "permission_error")
    assert message == "the model is m, as declared for this provider"
    assert stage.model.requests == ()
    assert [each["status"] for each in stage.hub.usage.values()] == ["refused", "refused"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'{"model":1}'])
def test_a_body_that_is_no_call_is_refused_before_the_hub_is_asked(stage: Any, body: bytes) -> None:
    status, kind, _ = stage.door.error(body=body)
    assert (status, kind) == (400, "invalid_request_error")
    assert stage.hub.asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"model":"m","Model":"n"}', 400),
        (b'{"model":"m","messages":[' + b"[]," * 600_000 + b"1]}", 413),
    ],
)
def test_the_rest_of_a_body_is_looked_at_once_the_hub_knows_whose_it_is(
    stage: Any, body: bytes, status: int
) -> None:
    """Read whole, it costs many times its size: first comes who asks."""
    assert stage.door.error(body=body)[0] == status
    assert stage.model.requests == ()
    stage.hub.problem = (401, {"type": "unauthenticated", "detail": "because"})
    assert stage.door.error(body=body)[0] == 401


def test_a_call_that_reaches_beyond_the_provider_is_refused(stage: Any) -> None:
    tools = [{"type": "web_fetch_20250910", "name": "web_fetch"}]
    assert stage.door.error(tools=tools)[:2] == (403, "permission_error")
    assert stage.model.requests == ()


def test_a_redirect_is_not_followed(stage: Any) -> None:
    elsewhere = ("Location", f"{stage.model.url}/v1/messages")
    stage.model.answer = lambda request: Answer(status=307, raw=b"", headers=(elsewhere,))
    status, kind, message = stage.door.error()
    assert (status, kind) == (502, "api_error")
    assert message == "provider claude answered with a redirect, and none is followed"
    assert len(stage.model.requests) == 1


def test_a_private_provider_at_another_address_is_never_connected_to(stage: Any) -> None:
    stage.hub.provider.update(boundary="private", base_url="http://203.0.113.7:9")
    status, _, message = stage.door.error()
    assert (status, message) == (403, f"provider claude can't be reached; {WAITS}")
    told = stage.hub.usage["call-1"]
    assert told["status"] == "provider-away"
    assert told["why"].endswith("boundary private, but its address is not a private one")


def test_a_missing_key_is_a_refusal_that_no_try_mends(stage: Any) -> None:
    stage.hub.provider["api_key"] = {"kind": "file", "name": "/nowhere/key", "argv": []}
    status, headers, body = stage.door.ask()
    assert (status, headers["x-should-retry"]) == (403, "false")
    assert json.loads(body)["error"] == {
        "type": "permission_error",
        "message": "provider claude can't be used: it has no key",
    }
    assert stage.model.requests == ()


def test_the_hub_hears_of_a_missing_key_before_any_call_meets_it(stage: Any) -> None:
    stage.hub.provider["api_key"] = {"kind": "file", "name": "/nowhere/key", "argv": []}
    stage.hub.generation = 2
    told = {
        "generation": 2,
        "unusable": [{"provider": "claude", "why": "key file /nowhere/key is missing"}],
        "away": [],
    }
    until(lambda: told in stage.hub.keys_told, what="the word on the key")
    assert stage.hub.asked == []


def test_the_hub_hears_of_a_key_that_is_there_again(stage: Any, tmp_path: Path) -> None:
    key = tmp_path / "late"
    stage.hub.provider["api_key"] = {"kind": "file", "name": str(key), "argv": []}
    stage.hub.generation = 2
    until(lambda: stage.hub.keys_told[-1:] and stage.hub.keys_told[-1]["unusable"], what="no key")
    key.write_text("sk-late")
    good = {"generation": 2, "unusable": [], "away": []}
    until(lambda: stage.hub.keys_told[-1] == good, what="the word that it is there")


def test_a_provider_that_speaks_no_http_is_a_bad_gateway(stage: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        stage.hub.provider["base_url"] = f"http://127.0.0.1:{server.getsockname()[1]}"
        connection = stage.door.connect()
        connection.request(
            "POST", "/claude/v1/messages", b'{"model":"m"}', {"authorization": f"Bearer {TOKEN}"}
        )
        upstream, _ = server.accept()
        with upstream:
            upstream.recv(65536)
            upstream.sendall(b"SSH-2.0-OpenSSH_9\r\n")
        assert connection.getresponse().status == 502


def test_one_container_can_not_take_all_the_gateways_calls(stage: Any) -> None:
    stage.model.slow_s = 30.0
    streams = [stage.door.open(stream=True) for _ in range(16)]
    try:
        assert stage.door.error()[:2] == (429, "rate_limit_error")
    finally:
        for each in streams:
            each.close()
