"""What every executor offers, and what it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agentd.assignment import Assignment
from agentd.boot import ExecutorSettings, Provider
from agentd.outcome import Outcome, Progress
from agentd.processes import Processes
from agentd.stop import Stop

# Longer than the CLI's own longest silence: a tool may run ten minutes, a model call too.
IDLE_S = 900.0

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where executors run: the same for every task of this instance."""

    provider: Provider
    settings: ExecutorSettings
    workspace: Path
    llm_socket: str
    llm_port: int
    egress_port: int | None  # None where the agent declares no egress
    path: str
    processes: Processes


class Executor(Protocol):
    """Runs one task to its outcome."""

    def run(self, job: Assignment, *, stop: Stop, report: Report, tools: str) -> Outcome:
        """Run the task; return how it ended. Raises nothing that a task may cause.

        `tools` is the socket where the task's MCP server listens.

        When `stop` asks, whatever runs is ended within two seconds and the
        outcome says why (stop.failed).
        """
        ...
