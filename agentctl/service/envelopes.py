"""A message's JSON, as its schema let it pass, to an envelope."""

from typing import Any

from agentctl.model.message import (
    DEFAULT_KIND,
    REQUEST_TIMEOUT_S,
    Envelope,
    Filter,
    MessageType,
)


def envelope_of(message: dict[str, Any]) -> Envelope:
    """Return the envelope of a message that met its wire schema. Who sent it stands nowhere in it."""
    to = message["to"]
    return Envelope(
        id=message["id"],
        type=MessageType(message["type"]),
        task=message["task"],
        attempt=message["attempt"],
        payload=message["payload"],
        kind=message.get("kind", DEFAULT_KIND),
        to_agent=to.get("agent", ""),
        to_topic=to.get("topic", ""),
        to_message=to.get("message", ""),
        to_filter=_filter(to),
        timeout_s=float(message.get("timeout_s", REQUEST_TIMEOUT_S)),
    )


def _filter(to: dict[str, Any]) -> Filter:
    return Filter(
        agents=tuple(to.get("agents", ())),
        labels=tuple(sorted(to.get("labels", {}).items())),
        capabilities=tuple(to.get("capabilities", ())),
    )


def shown(envelope: Envelope) -> str:
    """Return whom a message is meant for, as the journal has it."""
    wanted = envelope.to_filter
    parts = [
        envelope.to_agent,
        envelope.to_message,
        *wanted.agents,
        *(f"{name}={value}" for name, value in wanted.labels),
        *wanted.capabilities,
    ]
    return " ".join(part for part in parts if part)[:TO_CHARS_MAX]


TO_CHARS_MAX = 300
