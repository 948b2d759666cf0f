"""The table of a task's life; the documentation and the tests read the same table."""

from agentctl.model.task import TaskEvent, TaskState

_HELD, _QUEUED, _LEASED, _RUNNING = (
    TaskState.HELD,
    TaskState.QUEUED,
    TaskState.LEASED,
    TaskState.RUNNING,
)

TRANSITIONS: dict[tuple[TaskState, TaskEvent], TaskState] = {
    (_HELD, TaskEvent.RELEASED): _QUEUED,
    (_HELD, TaskEvent.CANCELLED): TaskState.CANCELLED,
    (_HELD, TaskEvent.DEADLINE): TaskState.TIMED_OUT,
    (_QUEUED, TaskEvent.POLLED): _LEASED,
    (_QUEUED, TaskEvent.WITHDRAWN): _HELD,
    (_QUEUED, TaskEvent.CANCELLED): TaskState.CANCELLED,
    (_QUEUED, TaskEvent.DEADLINE): TaskState.TIMED_OUT,
    (_LEASED, TaskEvent.ACCEPTED): _RUNNING,
    (_LEASED, TaskEvent.EXPIRED): _QUEUED,
    (_LEASED, TaskEvent.ATTEMPTS_SPENT): TaskState.DEAD,
    (_LEASED, TaskEvent.CANCELLED): TaskState.CANCELLED,
    (_LEASED, TaskEvent.DEADLINE): TaskState.TIMED_OUT,
    (_RUNNING, TaskEvent.COMPLETED): TaskState.COMPLETED,
    (_RUNNING, TaskEvent.FAILED): TaskState.FAILED,
    (_RUNNING, TaskEvent.FAILED_RETRYABLE): _QUEUED,
    (_RUNNING, TaskEvent.PUT_OFF): _HELD,
    (_RUNNING, TaskEvent.EXPIRED): _QUEUED,
    (_RUNNING, TaskEvent.ATTEMPTS_SPENT): TaskState.DEAD,
    (_RUNNING, TaskEvent.CANCELLED): TaskState.CANCELLED,
    (_RUNNING, TaskEvent.DEADLINE): TaskState.TIMED_OUT,
}


class Impossible(Exception):
    """The event can't happen in this state: the caller's view of the task is stale."""

    def __init__(self, state: TaskState, event: TaskEvent) -> None:
        super().__init__(f"{event.value} can't happen to a task that is {state.value}")
        self.state = state
        self.event = event


def next_state(state: TaskState, event: TaskEvent) -> TaskState:
    """Return the state after an event; raises Impossible where the table has no entry."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Impossible(state, event) from None
