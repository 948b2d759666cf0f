"""Messages between agents: an envelope through its ordered checks to a delivery or a refusal. Pure."""

from agentctl.messages.judge import judge
from agentctl.messages.payload import Kind, compiled
from agentctl.messages.rules import wrong_rules
from agentctl.messages.values import Box, Delivery, Facts, Fellow, Recipient, Rejection, Sender

__all__ = [
    "Box",
    "Delivery",
    "Facts",
    "Fellow",
    "Kind",
    "Recipient",
    "Rejection",
    "Sender",
    "compiled",
    "judge",
    "wrong_rules",
]
