"""Requests to decisions: explicit deny wins, then the first allow, default deny. Pure, compiled once."""

from agentctl.policy.engine import DECLARED, DEFAULT_DENY, Policy, compile_rules
from agentctl.policy.explain import Judged, explain

__all__ = ["DECLARED", "DEFAULT_DENY", "Judged", "Policy", "compile_rules", "explain"]
