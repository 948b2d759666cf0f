"""The client of an OPA server: a policy question in, allowed, refused or no answer out."""

from agentctl.opa.answer import Allowed, Answer, Denied, NoAnswer
from agentctl.opa.server import OpaServer

__all__ = ["Allowed", "Answer", "Denied", "NoAnswer", "OpaServer"]
