"""One task from its assignment to its result: accepted → executed → spooled."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from agentd import artifacts, clock, log, redact, report
from agentd.backoff import Backoff
from agentd.desk import Desk, Held
from agentd.executors.executor import Executor
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.inbox import Inbox
from agentd.known_secrets import KnownSecrets
from agentd.mcp.calls import Calls
from agentd.mcp.server import serving
from agentd.outcome import Failed, Outcome, Reason, Work
from agentd.progress import ProgressReporter
from agentd.stop import StopReason, failed


class Results(Protocol):
    """Where a task's result goes (the spool)."""

    def put(self, message: dict[str, Any]) -> None: ...


class Runner:
    """Runs what is put on the desk, each task in a thread of its own."""

    def __init__(
        self,
        *,
        executor: Executor,
        desk: Desk,
        spool: Results,
        new_hub: Callable[[], Hub],
        inbox: Inbox,
        known: KnownSecrets,
        workspace: Path | None = None,
    ) -> None:
        """`workspace` None: tasks leave no files."""
        self._inbox = inbox
        self._known = known
        self._executor = executor
        self._desk = desk
        self._spool = spool
        self._new_hub = new_hub
        self._workspace = workspace

    def start(self, held: Held) -> None:
        """Begin a task."""
        name = f"task-{held.job.task[-6:]}"
        threading.Thread(target=self._run, args=(held,), name=name, daemon=True).start()

    def _run(self, held: Held) -> None:
        job = held.job
        begun_s = clock.boot_s()
        log.info("task.begun", task=job.task, attempt=job.attempt)
        ended = redact.outcome(self._outcome(held), self._known_of(held))
        log.info("task.ended", task=job.task, attempt=job.attempt, how=_how(ended))
        if held.stop.reason is StopReason.LOST:
            self._desk.release(job.hold)  # somebody else's now: our word about it is worth nothing
            return
        files = artifacts.collect(self._workspace) if self._workspace else None
        took_s = clock.boot_s() - begun_s
        self._spool.put(report.result(job, ended, duration_s=took_s, files=files))

    def _known_of(self, held: Held) -> KnownSecrets:
        return self._known.with_one_more("the model token", held.job.model_token)

    def _outcome(self, held: Held) -> Outcome:
        try:
            refusal = self._accept(held)
            return refusal if refusal is not None else self._execute(held)
        except Exception as cause:  # noqa: BLE001 - a defect here must end the task, not the agent
            log.error("task.defect", task=held.job.task, where=log.where(cause))
            return Failed(reason=Reason.CRASHED, detail="agentd failed to run it", retryable=True)

    def _accept(self, held: Held) -> Failed | None:
        """Tell the hub that work begins; None when it agrees.

        Nothing runs before the hub has confirmed the lease: it may have been
        given away while the answer was on its way.
        """
        asked = threading.Event()
        held.stop.listen(asked.set)
        hub, backoff = self._new_hub(), Backoff()
        while held.stop.reason is None:
            try:
                hub.send(report.accepted(held.job))
            except HubAway as away:
                asked.wait(backoff.failed(retry_after_s=away.retry_after_s))
            except HubRefused as refused:
                log.info("task.not_ours", task=held.job.task, status=refused.status)
                held.stop.request(StopReason.LOST)
            else:
                return None
        return failed(held.stop.reason, Work())

    def _execute(self, held: Held) -> Outcome:
        if self._workspace is not None:
            artifacts.empty(self._workspace)
        progress = ProgressReporter(self._new_hub(), held.job)
        progress.start()
        calls = Calls(
            held.job,
            inbox=self._inbox,
            new_hub=self._new_hub,
            note=progress.note,
            known=self._known_of(held),
        )
        held.stop.listen(calls.end)
        wall = threading.Timer(held.job.timeout_s, held.stop.request, args=(StopReason.TIMEOUT,))
        wall.daemon = True
        wall.start()
        try:
            with serving(calls) as socket:
                return self._executor.run(held.job, stop=held.stop, report=progress, tools=socket)
        finally:
            calls.end()
            self._inbox.forget()
            wall.cancel()
            progress.close()


def _how(ended: Outcome) -> str:
    return str(ended.reason) if isinstance(ended, Failed) else "completed"
