"""Which agent may take a task, and which of those it goes to: pure decisions with their reasons."""

from agentctl.routing.choose import Candidate, Chosen, NoRoute, Wanted, choose
from agentctl.routing.levels import Levels

__all__ = ["Candidate", "Chosen", "Levels", "NoRoute", "Wanted", "choose"]
