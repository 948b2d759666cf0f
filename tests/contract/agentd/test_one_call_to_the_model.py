"""Executor messages-api, and the port through which programs reach the model."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.agentd_process import command, running
from tests.fakes.hub_for_agentd import HubForAgentd, model_token
from tests.fakes.model_for_agentd import Hang, ModelForAgentd, Refuse, Say

MESSAGES_API = {"kind": "messages-api", "args": [], "argv": []}


@pytest.fixture
def model(folder: Path) -> Iterator[ModelForAgentd]:
    with ModelForAgentd(folder / "llm.sock").serving() as made:
        yield made


def test_the_answer_is_the_result_with_the_tokens_it_took(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd
) -> None:
    with running(hub, folder, executor=MESSAGES_API):
        task = hub.give(prompt="say hello")
        done = hub.wait_for_message("task.completed")["payload"]
    assert done["text"] == "hello from the stand-in"
    assert done["usage"] == {
        "input_tokens": 12,
        "output_tokens": 5,
        "cache_read_tokens": 3,
        "cache_write_tokens": 4,
    }
    path, authorization, body = model.requests[0]
    assert path == "/claude-opus/v1/messages"
    assert authorization == f"Bearer {model_token(task, 1)}"
    assert body["model"] == "opus-stand-in"
    assert body["messages"] == [{"role": "user", "content": "say hello"}]
    assert body["stream"] is True
    assert "tools" not in body


def test_a_schema_is_asked_for_and_the_answer_read_through_its_fence(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd
) -> None:
    model.script = lambda _body: Say(text='```json\n{"n": 7}\n```')
    with running(hub, folder, executor=MESSAGES_API):
        hub.give(output_schema={"type": "object", "required": ["n"]})
        done = hub.wait_for_message("task.completed")["payload"]
    assert done["structured"] == {"n": 7}
    assert '"required":["n"]' in model.requests[0][2]["system"]


def test_an_overloaded_model_is_asked_again(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd
) -> None:
    model.script = lambda _body: Refuse(status=529) if len(model.requests) == 1 else Say()
    with running(hub, folder, executor=MESSAGES_API):
        hub.give()
        hub.wait_for_message("task.completed")
    assert len(model.requests) == 2


def test_a_refusal_is_not_asked_again(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd
) -> None:
    model.script = lambda _body: Refuse(status=403)
    with running(hub, folder, executor=MESSAGES_API):
        hub.give()
        failed = hub.wait_for_message("task.failed")["payload"]
    assert (failed["reason"], failed["retryable"]) == ("api_error", False)
    assert failed["detail"] == "the model's API answered 403: as the test wants it"
    assert len(model.requests) == 1


def test_an_answer_that_was_cut_is_not_a_success(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd
) -> None:
    model.script = lambda _body: Say(text="half", stop_reason="max_tokens")
    with running(hub, folder, executor=MESSAGES_API):
        hub.give(budget={"usd": None, "tokens": 100, "turns": None})
        failed = hub.wait_for_message("task.failed")["payload"]
    assert (failed["reason"], failed["text"]) == ("max_budget", "half")
    assert model.requests[0][2]["max_tokens"] == 100


def test_a_call_in_progress_is_broken_off_by_a_cancel(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd
) -> None:
    model.script = lambda _body: Hang()
    with running(hub, folder, executor=MESSAGES_API):
        task = hub.give()
        hub.wait_for(lambda: model.requests)
        hub.cancel(task)
        failed = hub.wait_for_message("task.failed", within_s=2)["payload"]
    assert failed["reason"] == "cancelled"


CALLS = """
import json, os, urllib.error, urllib.request
url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
token = os.environ["ANTHROPIC_AUTH_TOKEN"]
body = json.dumps({"model": os.environ["ANTHROPIC_MODEL"], "messages": []}).encode()
try:
    request = urllib.request.Request(url, body, {"Authorization": "Bearer " + token})
    print(urllib.request.urlopen(request).read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


def test_a_program_reaches_the_model_through_the_port_it_is_told(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd
) -> None:
    with running(hub, folder, executor=command("python3", "-c", CALLS)):
        task = hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    assert "hello from the stand-in" in text
    assert model.requests[0][:2] == (
        "/claude-opus/v1/messages",
        f"Bearer {model_token(task, 1)}",
    )


def test_without_a_gateway_the_port_says_so_as_the_api_would(
    hub: HubForAgentd, folder: Path
) -> None:
    with running(hub, folder, executor=command("python3", "-c", CALLS)):
        hub.give()
        status, _, body = hub.wait_for_message("task.completed")["payload"]["text"].partition(" ")
    said: dict[str, Any] = json.loads(body)
    assert status == "503"
    assert said["error"] == {"type": "overloaded_error", "message": "the model gateway is away"}
