"""The tools as the model sees them: names, descriptions, and what each takes (JSON Schema)."""

from typing import Any

NAME = "agentctl"  # the server's; to the model a tool is mcp__agentctl__ask_agent
WAIT_S_MAX = 600.0
TEXT_CHARS_MAX = 32_768
PROMPT_CHARS_MAX = 100_000

_AGENT = {"type": "string", "description": "The agent's name, as list_agents has it."}
_TEXT = {
    "type": "string",
    "maxLength": TEXT_CHARS_MAX,
    "description": "What you say, in plain words. Leave it out when you give a payload.",
}
_KIND = {
    "type": "string",
    "description": "What the payload is, if your operators declared kinds of messages.",
}
_PAYLOAD = {"type": "object", "description": "With kind: the fields that the kind asks for."}
_CAPABILITIES = {
    "type": "array",
    "items": {"type": "string"},
    "description": "What the agent must be able to do; none that you can't do yourself.",
}
_LABELS = {"type": "object", "additionalProperties": {"type": "string"}}


def _tool(
    name: str, title: str, about: str, properties: dict[str, Any], required: tuple[str, ...] = ()
) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    return {"name": name, "title": title, "description": about, "inputSchema": schema}


TOOLS: tuple[dict[str, Any], ...] = (
    _tool(
        "send_message",
        "Send a message",
        "Send a message and don't wait: to one agent (a request, which it may answer later: see"
        " check_inbox), as the reply to a request that you got, as an event on a topic, or to all"
        " agents that a filter finds. Give exactly one of agent, reply_to, topic, broadcast.",
        {
            "agent": _AGENT,
            "reply_to": {
                "type": "string",
                "description": "The id of the request that you answer; each can be answered once.",
            },
            "topic": {"type": "string", "description": "A topic that you publish."},
            "broadcast": {
                "type": "object",
                "description": "All that are given must be met; at least one is.",
                "properties": {
                    "agents": {"type": "array", "items": {"type": "string"}},
                    "labels": _LABELS,
                    "capabilities": _CAPABILITIES,
                },
                "additionalProperties": False,
            },
            "text": _TEXT,
            "kind": _KIND,
            "payload": _PAYLOAD,
        },
    ),
    _tool(
        "ask_agent",
        "Ask an agent",
        "Ask one agent and wait for its reply. It must be working on a task of its own and look"
        " into its inbox; for work of your own to be done, use delegate_task.",
        {
            "agent": _AGENT,
            "text": _TEXT,
            "kind": _KIND,
            "payload": _PAYLOAD,
            "timeout_s": {
                "type": "number",
                "minimum": 1,
                "maximum": WAIT_S_MAX,
                "default": 60,
                "description": "How long to wait, in seconds.",
            },
        },
        ("agent",),
    ),
    _tool(
        "check_inbox",
        "Check the inbox",
        "Return what other agents sent you and you haven't read: requests (answer them with"
        " send_message and reply_to), replies, events, broadcasts, results of delegated tasks."
        " It returns what fits, oldest first, and says when there is more.",
        {
            "wait_s": {
                "type": "number",
                "minimum": 0,
                "maximum": WAIT_S_MAX,
                "default": 0,
                "description": "How long to wait for the first one, in seconds.",
            },
            "message": {
                "type": "string",
                "maxLength": 80,
                "description": "Only for a message that came in parts: its id, for another part.",
            },
            "part": {
                "type": "integer",
                "minimum": 1,
                "maximum": 1000,
                "description": "With message: which part, counted from 1.",
            },
        },
    ),
    _tool(
        "list_agents",
        "List agents",
        "List the agents that you may message or give tasks to, with what they can do.",
        {
            "after": {
                "type": "string",
                "maxLength": 80,
                "description": "Only when the list was too long: the name that it ended with.",
            }
        },
    ),
    _tool(
        "delegate_task",
        "Delegate a task",
        "Hand a part of your work to another agent as a task of its own, and wait for its result."
        " It sees only the prompt. It counts against your own budget.",
        {
            "prompt": {"type": "string", "minLength": 1, "maxLength": PROMPT_CHARS_MAX},
            "agent": _AGENT,
            "capabilities": _CAPABILITIES,
            "labels": _LABELS,
            "ephemeral": {
                "type": "boolean",
                "default": False,
                "description": "Have it done in a fresh container of its own.",
            },
            "task_timeout_s": {"type": "number", "minimum": 1, "maximum": 86_400},
            "budget": {
                "type": "object",
                "properties": {
                    "usd": {"type": "number"},
                    "tokens": {"type": "integer"},
                    "turns": {"type": "integer"},
                },
                "additionalProperties": False,
            },
            "output_schema": {"type": "object", "description": "A JSON Schema for its result."},
            "wait_s": {
                "type": "number",
                "minimum": 0,
                "maximum": WAIT_S_MAX,
                "default": WAIT_S_MAX,
                "description": "How long to wait; after that the result comes to your inbox.",
            },
        },
        ("prompt",),
    ),
    _tool(
        "report_progress",
        "Report progress",
        "Tell the people who watch this task how far it is, in a sentence.",
        {"note": {"type": "string", "minLength": 1, "maxLength": 500}},
        ("note",),
    ),
)
NAMES = frozenset(str(each["name"]) for each in TOOLS)
