"""Executor `command`: any program; the prompt on its standard input, its standard output the result."""

from agentd import child
from agentd.assignment import Assignment
from agentd.child import End, Ending
from agentd.executors import environment
from agentd.executors.executor import IDLE_S, Place, Report
from agentd.executors.structured import structured
from agentd.outcome import Failed, Outcome, Reason, Work, with_schema
from agentd.report import TEXT_BYTES_MAX
from agentd.stop import Stop, failed

_OUTPUT_BYTES_MAX = TEXT_BYTES_MAX + 1  # one more, so that the report sees that it was cut
_TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h: the program's own word that another try may help
_STDERR_CHARS_MAX = 1000


class Command:
    """Runs each task as one run of the declared argv."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def run(self, job: Assignment, *, stop: Stop, report: Report, tools: str) -> Outcome:
        """Run the program on the task's prompt (see Executor.run)."""
        place = self._place
        output = _Output()
        command = child.Command(
            argv=place.settings.argv,
            env=environment.base(place)
            | environment.model(place, job)
            | environment.egress(place, job)
            | {
                "AGENTCTL_TASK": job.task,
                "AGENTCTL_ATTEMPT": str(job.attempt),
                "AGENTCTL_MCP_SOCKET": tools,
            },
            cwd=place.workspace,
            stdin=job.prompt.encode("utf-8", "replace"),
        )
        try:
            ending = child.run(
                command,
                output,
                processes=place.processes,
                stop=stop,
                idle_s=max(IDLE_S, job.timeout_s),
            )
        except (OSError, ValueError) as cause:
            said = cause.strerror if isinstance(cause, OSError) else type(cause).__name__
            return Failed(
                reason=Reason.BAD_COMMAND,
                detail=f"{place.settings.argv[0]} can't be started: {said}",
            )
        return _outcome(ending, output.text(), job, stop)


class _Output:
    """Keeps the beginning of what is printed."""

    finished = False

    def __init__(self) -> None:
        self._kept = bytearray()

    def feed(self, chunk: bytes) -> None:
        self._kept += chunk[: _OUTPUT_BYTES_MAX - len(self._kept)]

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


def _outcome(ending: Ending, text: str, job: Assignment, stop: Stop) -> Outcome:
    wanted = job.output_schema is not None
    work = Work(text=text, structured=structured(text) if wanted else None)
    if ending.how is End.EXITED and ending.status == 0:
        return with_schema(work, wanted=wanted)
    if stop.reason is not None:
        return failed(stop.reason, work)
    tail = ending.stderr[-_STDERR_CHARS_MAX:]
    if ending.status < 0:
        return Failed(
            reason=Reason.CRASHED,
            detail=f"the program was ended by signal {-ending.status}: {tail}",
            retryable=True,
            work=work,
        )
    return Failed(
        reason=Reason.CRASHED,
        detail=f"the program exited with {ending.status}: {tail}",
        retryable=ending.status == _TRY_AGAIN,
        work=work,
    )
