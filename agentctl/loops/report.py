"""What a pass plans, does and did, as operators watch it: written by the workers, read by the reporter."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from agentctl.loops.hub_side import WORDS_MAX
from agentctl.model.instance import ObservedState
from agentctl.model.plan import Drain, Remove
from agentctl.reconcile.changes import Change, Replace, verb


class StepState(StrEnum):
    """`waiting` is tried again by itself: held back, draining, or not permitted now."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(slots=True)
class _Step:
    change: Change
    state: StepState = StepState.PENDING
    error: str = ""


class Report:
    """One pass over one generation. Threads may share it."""

    def __init__(
        self, *, generation: int, changes: Sequence[Change], observed: ObservedState, at_s: float
    ) -> None:
        self._lock = threading.Lock()
        self._generation = generation
        self._at_s = at_s
        self._steps = [_Step(each) for each in changes]
        self._hosts = [
            {"name": each.name, "reachable": each.reachable, "error": each.error[:WORDS_MAX]}
            for each in observed.hosts
        ]

    def set(self, at: int, state: StepState, error: str = "") -> None:
        """Set the state of the change at index `at`."""
        with self._lock:
            self._steps[at].state, self._steps[at].error = state, error

    def document(self) -> dict[str, Any]:
        """Return the pass as the hub takes it (`GET /api/hub/plan` shows it)."""
        with self._lock:
            return {
                "generation": self._generation,
                "at_s": self._at_s,
                "converged": self._converged(),
                "actions": [_row(each) for each in self._steps],
                "hosts": self._hosts,
            }

    def essence(self) -> dict[str, Any]:
        """Return the document without its time: two passes that say the same are reported once."""
        return {name: value for name, value in self.document().items() if name != "at_s"}

    def _converged(self) -> bool:
        settled = all(each.state is StepState.DONE for each in self._steps)
        return settled and all(each["reachable"] for each in self._hosts)


def _row(step: _Step) -> dict[str, Any]:
    change = step.change
    action = change.remove if isinstance(change, Replace) else change
    causes = [str(each) for each in action.causes]
    if isinstance(action, Drain):
        causes.append(f"waits for {action.waits_for}")
    if isinstance(action, Remove) and action.interrupts:
        causes.append(f"interrupts {action.interrupts}")
    return {
        "verb": verb(change),
        "host": action.host,
        "agent": action.agent,
        "replica": max(action.replica, 0),  # -1 is a container of ours whose label can't be read
        "causes": [each[:WORDS_MAX] for each in causes],
        "state": step.state.value,
        "error": step.error[:WORDS_MAX],
    }
