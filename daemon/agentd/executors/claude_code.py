"""Executor `claude-code`: the real CLI, headless, its events read from stream-json."""

import json

from agentd import child
from agentd.assignment import Assignment
from agentd.executors import environment
from agentd.executors.claude_outcome import PROGRAM, cannot_start, outcome
from agentd.executors.claude_stream import ClaudeStream
from agentd.executors.executor import IDLE_S, Place, Report
from agentd.mcp.server import arguments as mcp_arguments
from agentd.outcome import Outcome
from agentd.stop import Stop


class ClaudeCode:
    """Runs each task as one `claude -p`."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def run(self, job: Assignment, *, stop: Stop, report: Report, tools: str) -> Outcome:
        """Run the CLI on the task's prompt (see Executor.run)."""
        place = self._place
        stream = ClaudeStream(job.budget, report=report, stop=stop)
        command = child.Command(
            argv=arguments(place, job, tools),
            env=environment.base(place)
            | environment.model(place, job)
            | environment.egress(place, job)
            | environment.claude_code(place),
            cwd=place.workspace,
            stdin=job.prompt.encode("utf-8", "replace"),
        )
        try:
            ending = child.run(command, stream, processes=place.processes, stop=stop, idle_s=IDLE_S)
        except (OSError, ValueError) as cause:
            return cannot_start(cause, contained=place.processes.first)
        return outcome(
            ending,
            stream.said,
            stopped=stop.reason,
            schema_wanted=job.output_schema is not None,
            priced=place.provider.kind == "anthropic",
        )


def arguments(place: Place, job: Assignment, tools: str) -> list[str]:
    """Return the CLI's command line; `tools` is the socket of the task's MCP server.

    The operator's `args` come first: of a flag given twice the last counts, and
    what agentd reads must not depend on them. The prompt goes to standard
    input: as an argument it could be taken for a flag.
    """
    argv = [PROGRAM, *place.settings.args, "-p", "--output-format", "stream-json", "--verbose"]
    argv += ["--model", place.provider.model]
    if job.budget.turns is not None:
        argv += ["--max-turns", str(job.budget.turns)]
    if job.budget.usd is not None:
        argv += ["--max-budget-usd", f"{job.budget.usd:.6f}"]
    if job.output_schema is not None:
        argv += ["--json-schema", json.dumps(job.output_schema, separators=(",", ":"))]
    return argv + mcp_arguments(tools)
