"""The hub's API as the CLI, the gateway and the reconciler call it; standard library only, to start fast."""

from agentctl.client.hub import Hub
from agentctl.client.target import connect
from agentctl.client.target import target_of as target

__all__ = ["Hub", "connect", "target"]
