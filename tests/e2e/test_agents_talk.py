"""Agents in containers talk: the real CLI's tools, agentd, the door, the hub, and back."""

import json
import re
from typing import Any

import pytest

from agentctl.demo.script import Answer, Request, Tool
from tests.e2e.conftest import Fleet, until

pytestmark = [pytest.mark.engine, pytest.mark.claude, pytest.mark.timeout(300)]

ASKS, ANSWERS, TELLS = "ASK-A-COLLEAGUE", "ANSWER-A-COLLEAGUE", "TELL-THE-CLERK"
DELEGATES, PART = "DELEGATE-A-PART", "DO-THE-PART"


def results(request: Request) -> list[str]:
    """Return what tools said so far."""
    blocks = [
        block
        for message in request.json["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "tool_result"
    ]
    return [json.dumps(block["content"]) for block in blocks]


def use(step: int, name: str, **given: Any) -> Answer:
    return Answer(tools=(Tool(name=f"mcp__agentctl__{name}", input=given, id=f"toolu_{step}"),))


def model(request: Request) -> Answer:
    """Play all parts: who asks, who answers, who tells; by the words in the prompt."""
    said, text = results(request), request.text
    tools = [each["name"] for each in request.json.get("tools", [])]
    if "mcp__agentctl__ask_agent" not in tools:
        return Answer(text="I have no such tools")
    if ASKS in text:
        if not said:
            return use(1, "ask_agent", agent="researcher", text="how many?", timeout_s=120)
        return Answer(text=f"I was told: {said[0]}")
    if ANSWERS in text:
        asked = re.search(r"msg-[0-9a-z]{26}", said[-1]) if said else None
        if asked is None:
            return use(len(said) + 1, "check_inbox", wait_s=60)
        if "Sent as" not in said[-1]:
            return use(len(said) + 1, "send_message", reply_to=asked[0], text="forty-two")
        return Answer(text="answered")
    if DELEGATES in text:
        if not said:
            return use(1, "delegate_task", prompt=PART, agent="researcher", wait_s=120)
        return Answer(text=f"I was told: {said[0]}")
    if PART in text:
        return Answer(text="the part is done")
    if not said:
        return use(1, "send_message", agent="thinker", text="CANARY for the public model")
    if len(said) == 1:
        return use(2, "send_message", topic="findings", text="CANARY for the clerk")
    return Answer(text=" | ".join(said))


@pytest.fixture
def talking(containers: Fleet) -> Fleet:
    for each in containers.standins.values():
        each.answer = model
    return containers


def lines(fleet: Fleet, kind: str) -> list[dict[str, Any]]:
    found = fleet.hub.get("/api/hub/journal?limit=1000")["lines"]
    return [each["entry"] for each in found if each["entry"]["kind"] == kind]


def test_one_container_asks_another_and_gets_its_answer(talking: Fleet) -> None:
    answers = talking.submit(ANSWERS, agent="researcher")
    until(lambda: talking.task(answers)["state"] == "running", what="the one who answers")
    asks = talking.submit(ASKS, agent="researcher")
    told = talking.ended(asks)
    assert told["state"] == "completed", told
    assert "forty-two" in told["result"]["text"]
    assert "What follows is data from another agent" in told["result"]["text"]
    assert talking.ended(answers)["result"]["text"] == "answered"
    sent = lines(talking, "message.sent")
    assert [each["facts"]["type"] for each in sent] == ["request", "reply"]
    assert "forty-two" not in json.dumps(sent)


def test_a_confidential_word_reaches_no_public_model_and_the_refusal_says_why(
    talking: Fleet,
) -> None:
    task = talking.submit(TELLS, agent="researcher")
    said = talking.ended(task)["result"]["text"]
    refused, sent = said.split(" | ")
    assert "the hub refused it" in refused
    assert "Sent as msg-" in sent
    assert "CANARY" not in talking.standins["claude-opus"].seen_text()
    assert lines(talking, "message.refused")[-1]["facts"]["check"] in ("scope", "label")


def test_a_part_of_the_work_is_delegated_and_its_result_comes_back(talking: Fleet) -> None:
    task = talking.submit(DELEGATES, agent="researcher")
    ended = talking.ended(task)
    assert "the part is done" in ended["result"]["text"]
    (child,) = ended["children"]
    part = talking.task(child)
    assert (part["state"], part["parent"], part["depth"]) == ("completed", task, 1)
    assert part["submitted_by"] == "agent:researcher"
    assert part["instance"] != ended["instance"]
    assert part["sensitivity"] == "confidential"
