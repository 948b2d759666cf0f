"""A request to end one task before its own end, and what the result then says."""

import threading
from collections.abc import Callable
from enum import StrEnum

from agentd.outcome import Failed, Reason, Work


class StopReason(StrEnum):
    CANCELLED = "cancelled"
    LOST = "lost"
    DRAINED = "drained"
    TIMEOUT = "timeout"
    BUDGET = "budget"


class Stop:
    """Asked at most once (the first reason counts); tells whoever runs the task at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reason: StopReason | None = None
        self._listeners: list[Callable[[], None]] = []

    @property
    def reason(self) -> StopReason | None:
        """Why, or None while nobody asked."""
        return self._reason

    def request(self, reason: StopReason) -> bool:
        """Ask; later reasons are ignored, and answered with False."""
        with self._lock:
            if self._reason is not None:
                return False
            self._reason = reason
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()
        return True

    def listen(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when somebody asks: at once when it has happened already."""
        with self._lock:
            self._listeners.append(listener)
            asked = self._reason is not None
        if asked:
            listener()


def failed(reason: StopReason, work: Work) -> Failed:
    """Return what a task that was stopped for `reason` reports."""
    match reason:
        case StopReason.CANCELLED:
            return Failed(reason=Reason.CANCELLED, detail="cancelled", work=work)
        case StopReason.LOST:
            return Failed(reason=Reason.LOST, detail="the attempt is no longer current", work=work)
        case StopReason.DRAINED:
            return Failed(
                reason=Reason.STOPPED,
                detail="the agent was told to stop before the task ended",
                retryable=True,
                work=work,
            )
        case StopReason.TIMEOUT:
            return Failed(
                reason=Reason.TIMEOUT, detail="the task's timeout_s has passed", work=work
            )
        case StopReason.BUDGET:
            return Failed(
                reason=Reason.MAX_BUDGET, detail="the task's token budget is spent", work=work
            )
