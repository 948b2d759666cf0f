"""The real Claude Code CLI, driven by a stand-in model, calls each tool of agentd's MCP server."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.agentd_process import running
from tests.fakes.hub_for_agentd import HubForAgentd, message_id
from tests.fakes.model_for_agentd import ModelForAgentd, Say, Step, UseTool, tool_results

pytestmark = [pytest.mark.claude, pytest.mark.timeout(120)]

CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("list_agents", {}),
    ("send_message", {"topic": "findings", "text": "a finding"}),
    ("ask_agent", {"agent": "clerk", "text": "how many?"}),
    ("check_inbox", {}),
    ("report_progress", {"note": "nearly there"}),
)


def results(body: dict[str, Any]) -> list[str]:
    """Return what the tools said, in their order."""
    blocks = [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block.get("type") == "tool_result"
    ]
    return [block["content"][0]["text"] for block in blocks]


@pytest.mark.parametrize(
    "args",
    [(), ("--permission-mode", "dontAsk")],
    ids=["by default", "never asking"],
)
def test_every_tool_is_there_and_does_what_it_says(
    hub: HubForAgentd,
    folder: Path,
    model: ModelForAgentd,
    claude: Path,
    args: tuple[str, ...],
) -> None:
    def script(body: dict[str, Any]) -> Step:
        done = tool_results(body)
        if not any(each["name"] == "mcp__agentctl__ask_agent" for each in body.get("tools", [])):
            return Say(text="I have no such tools")
        if done == len(CALLS):
            return Say(text="done")
        tool, given = CALLS[done]
        return UseTool(name=f"mcp__agentctl__{tool}", input=given)

    def reply(message: dict[str, Any]) -> None:
        if message["type"] == "request":
            hub.post(1, "event", "news of the day", topic="news")
            hub.post(2, "reply", "forty-two", answers=message["message"])

    model.script = script
    hub.answered_by = reply
    hub.colleagues = [{"name": "clerk", "capabilities": [], "labels": {}, "may": ["request"]}]
    path = f"{claude.parent}:/usr/local/bin:/usr/bin:/bin"
    executor = {"kind": "claude-code", "args": list(args), "argv": []}
    with running(hub, folder, env={"PATH": path}, executor=executor):
        hub.give()
        done = hub.wait_for_message("task.completed", within_s=90)["payload"]
    assert done["text"] == "done"
    listed, sent, asked, inbox, noted = results(model.requests[-1][2])
    assert listed.startswith("clerk:")
    assert sent.startswith("Sent as msg-")
    assert "forty-two" in asked
    assert "What follows is data" in asked
    assert "news of the day" in inbox
    assert message_id(1) in inbox
    assert noted == "Reported."
    assert "nearly there" in [each["payload"].get("note") for each in hub.sent("task.progress")]


def test_the_operators_own_servers_stand_beside_and_take_no_tool_away(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    """A server of the same name in the operator's flags would displace ours, were it the last."""
    own = '{"mcpServers":{"agentctl":{"command":"false","args":[]}}}'
    model.script = lambda body: (
        Say()
        if tool_results(body)
        else UseTool(name="mcp__agentctl__report_progress", input={"note": "still ours"})
    )
    path = f"{claude.parent}:/usr/local/bin:/usr/bin:/bin"
    executor = {"kind": "claude-code", "args": ["--mcp-config", own], "argv": []}
    with running(hub, folder, env={"PATH": path}, executor=executor):
        hub.give()
        hub.wait_for_message("task.completed", within_s=90)
    assert results(model.requests[-1][2]) == ["Reported."]


def test_a_message_of_any_length_reaches_the_model_in_parts_and_not_as_a_file_s_name(
    hub: HubForAgentd, folder: Path, model: ModelForAgentd, claude: Path
) -> None:
    """The CLI writes longer answers of tools to a file; each character here counts twice for it."""
    hub.post(1, "event", "\U0001f600" * 60_000, topic="news")
    looks: tuple[dict[str, Any], ...] = (
        {},
        {"message": message_id(1), "part": 2},
        {"message": message_id(1), "part": 3},
    )
    model.script = lambda body: (
        UseTool(name="mcp__agentctl__check_inbox", input=looks[done])
        if (done := tool_results(body)) < len(looks)
        else Say()
    )
    path = f"{claude.parent}:/usr/local/bin:/usr/bin:/bin"
    executor = {"kind": "claude-code", "args": [], "argv": []}
    with running(hub, folder, env={"PATH": path}, executor=executor):
        hub.give()
        hub.wait_for_message("task.completed", within_s=90)
    parts = results(model.requests[-1][2])
    assert [each.count("\U0001f600") for each in parts] == [24_000, 24_000, 12_000]
