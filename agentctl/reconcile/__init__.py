"""Desired × observed → the actions that close the gap; pure, with the clock as an argument."""

from agentctl.reconcile.births import Born, births
from agentctl.reconcile.declarations import Declaration, declarations
from agentctl.reconcile.demand import Demand, Wanted
from agentctl.reconcile.planning import plan
from agentctl.reconcile.review import Review, as_json, as_text

__all__ = [
    "Born",
    "Declaration",
    "Demand",
    "Review",
    "Wanted",
    "as_json",
    "as_text",
    "births",
    "declarations",
    "plan",
]
