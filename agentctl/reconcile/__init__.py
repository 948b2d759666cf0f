"""Desired × observed → the actions that close the gap; pure, with the clock as an argument."""

from agentctl.reconcile.births import Born, births
from agentctl.reconcile.planning import plan
from agentctl.reconcile.text import as_json, as_text

__all__ = ["Born", "as_json", "as_text", "births", "plan"]
