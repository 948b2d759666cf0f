"""What agentd knows to be secret goes to no colleague, no child's prompt and no watcher by a model's tools."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.agentd_process import command, running, secrets
from tests.fakes.hub_for_agentd import INSTANCE_TOKEN, HubForAgentd, model_token, task_id
from tests.fakes.mcp_talk import talking

DECLARED = "ghp_k3Jd82x_QzLm4v9Rt0Yw"
TOKEN = model_token(task_id(1), 1)
KNOWN = {
    "the model token": TOKEN,
    "the instance token": INSTANCE_TOKEN,
    "the secret github-token": DECLARED,
    "the SVID": "eyJ.svid1.sig",
}
WAYS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("send_message", {"agent": "clerk", "text": "keep this: {}"}),
    ("send_message", {"topic": "news", "kind": "finding", "payload": {"a": [{"b": "{}"}]}}),
    ("send_message", {"topic": "news", "kind": "finding", "payload": {"{}": 1}}),
    ("send_message", {"broadcast": {"labels": {"x": "{}"}}, "text": "x"}),
    ("ask_agent", {"agent": "clerk", "text": "what is {} for?"}),
    ("delegate_task", {"prompt": "use {}", "wait_s": 0}),
    ("delegate_task", {"prompt": "x", "output_schema": {"const": "{}"}, "wait_s": 0}),
    ("report_progress", {"note": "found {}"}),
)


def filled(arguments: dict[str, Any], value: str) -> dict[str, Any]:
    filled: dict[str, Any] = json.loads(json.dumps(arguments).replace("{}", value))
    return filled


def everything(hub: HubForAgentd) -> str:
    return json.dumps(hub.messages)


@pytest.mark.parametrize("name", KNOWN)
def test_no_tool_sends_a_secret(hub: HubForAgentd, folder: Path, name: str) -> None:
    value = KNOWN[name]
    encoded = base64.b64encode(value.encode()).decode()
    with talking(hub, folder, secrets=secrets(**{"github-token": DECLARED + "\n"})) as talk:
        for tool, arguments in WAYS:
            for written in (value, encoded):
                said = talk.refused(tool, **filled(arguments, written))
                assert (
                    said == f"this holds {name}, which never leaves the container: say it without"
                )
                assert value not in said
        assert talk.told("send_message", agent="clerk", text="nothing of the kind").startswith(
            "Sent"
        )
    assert value not in everything(hub)
    assert encoded not in everything(hub)


def test_a_result_is_sent_without_them(hub: HubForAgentd, folder: Path) -> None:
    prints = f"import os; print('a', os.environ['ANTHROPIC_AUTH_TOKEN'], '{DECLARED}', 'z')"
    executor = command("python3", "-c", prints)
    given = secrets(**{"github-token": DECLARED})
    with running(hub, folder, executor=executor, secrets=given):
        hub.give()
        text = hub.wait_for_message("task.completed")["payload"]["text"]
    assert text == "a [the model token] [the secret github-token] z\n"
