"""A pass's changes carried out: a few at once, replacements of one agent one after the other."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import assert_never

from agentctl.errors import AgentctlError
from agentctl.loops.execute import Executor, Waits
from agentctl.loops.report import Report, StepState
from agentctl.model.plan import Create, Drain, Remove, Stop
from agentctl.reconcile.changes import Change, Replace

log = logging.getLogger(__name__)

AT_ONCE = 4  # an engine starts containers no faster with more (its own start is what costs)
REPORT_EVERY_S = 0.25

Step = tuple[int, Change]


class CarryOut:
    """Runs the changes of one pass and says of each how it ended.

    `started` is called with a create and its container's id, `failed` with a create and why;
    both from worker threads.
    """

    def __init__(
        self,
        executor: Executor,
        *,
        started: Callable[[Create, str], None],
        failed: Callable[[Create, str], None],
        stop: threading.Event,
    ) -> None:
        self._executor = executor
        self._started = started
        self._failed = failed
        self._stop = stop
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="execute")

    def run(
        self, steps: Sequence[Step], report: Report, *, generation: int, tell: Callable[[], None]
    ) -> None:
        """Carry out the steps; `tell` is called now and then while they run."""
        pending = {self._pool.submit(self._row, row, report, generation) for row in in_rows(steps)}
        while pending:
            done, pending = wait(pending, timeout=REPORT_EVERY_S)
            for each in done:
                each.result()
            tell()

    def close(self) -> None:
        """Start nothing more, and wait for what runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _row(self, row: Sequence[Step], report: Report, generation: int) -> None:
        """Do one step after the other; after a failure the rest stays as it is."""
        blocked = ""
        for at, change in row:
            if self._stop.is_set():
                report.set(at, StepState.WAITING, "the reconciler is stopping")
            elif blocked:
                report.set(at, StepState.WAITING, blocked)
            elif self._step(at, change, report, generation) is StepState.FAILED:
                blocked = f"{_place(change)} failed: the rest of the agent stays as it is"

    def _step(self, at: int, change: Change, report: Report, generation: int) -> StepState:
        report.set(at, StepState.RUNNING)
        state, error = self._outcome(change, generation)
        if state is StepState.FAILED:
            log.warning("%s: %s", _place(change), error)
        report.set(at, state, error)
        return state

    def _outcome(self, change: Change, generation: int) -> tuple[StepState, str]:
        try:
            return self._do(change, generation), ""
        except Waits as why:
            return StepState.WAITING, str(why)
        except AgentctlError as why:
            return StepState.FAILED, str(why)
        except Exception as why:  # one place's bug must not stop the fleet's pass
            log.exception("a change failed unexpectedly")
            return StepState.FAILED, f"{type(why).__name__}: {why}"

    def _do(self, change: Change, generation: int) -> StepState:
        match change:
            case Create():
                self._create(change, generation)
            case Replace(remove=remove, create=create):
                self._ready(create)  # what works isn't removed for what can't be made
                self._executor.remove(remove)
                self._create(create, generation)
            case Remove():
                self._executor.remove(change)
            case Stop():
                self._executor.stop(change)
            case Drain():
                self._executor.drain(change)
                return StepState.WAITING
            case _:
                assert_never(change)
        return StepState.DONE

    def _ready(self, create: Create) -> None:
        try:
            self._executor.ready(create)
        except Exception as why:
            self._failed(create, str(why) or type(why).__name__)
            raise

    def _create(self, create: Create, generation: int) -> None:
        try:
            container = self._executor.create(create, generation=generation)
        except Waits:
            raise
        except Exception as why:
            self._failed(create, str(why) or type(why).__name__)
            raise
        self._started(create, container)


def in_rows(steps: Sequence[Step]) -> list[list[Step]]:
    """Return the steps in rows: one row after the other may run beside it, steps of a row may not.

    Replacements of what still runs share a row per agent and host, so that a spec that
    doesn't come up takes down one replica, not all.
    """
    rows: dict[object, list[Step]] = {}
    for at, change in steps:
        key: object = at
        if isinstance(change, Replace) and change.remove.live:
            key = (change.create.host, change.create.agent)
        rows.setdefault(key, []).append((at, change))
    return list(rows.values())


def _place(change: Change) -> str:
    action = change.remove if isinstance(change, Replace) else change
    return f"{action.host} {action.agent}/{action.replica}"
