"""Operators' routes that wait for a task: for its end, for its next event, for progress."""

from agentctl.errors import Throttled
from agentctl.hub.long_polls import LongPolls
from agentctl.hub.query import Parameter
from agentctl.hub.route import WAIT_S_MAX, Answer, Call, Route
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import follow
from agentctl.store.task_events import EVENTS_PER_TASK_MAX

WATCHERS_WAITING_MAX = 32  # of 64 threads of each operators' listener: the rest always answers
WATCHERS_WAITING_EACH_MAX = 24  # one CI's hundred waiting jobs leave room for a person
BUSY_RETRY_S = 1.0
PROGRESS_NUMBER_MAX = 2**31

Operator = OperatorPrincipal

WAIT = Parameter(
    name="wait", kind="number", about="Seconds to wait.", default=0.0, maximum=WAIT_S_MAX
)
AFTER = Parameter(
    name="after",
    kind="integer",
    about="How many of its events are known: answer as soon as there are more.",
    maximum=EVENTS_PER_TASK_MAX,
)
KNOWN = Parameter(
    name="after",
    kind="integer",
    about="How many of its events are known: only later ones are in the answer.",
    default=0,
    maximum=EVENTS_PER_TASK_MAX,
)
PROGRESS = Parameter(
    name="progress",
    kind="integer",
    about="The number of the progress that is known: another one ends the wait too.",
    maximum=PROGRESS_NUMBER_MAX,
)

_places = LongPolls(places=WATCHERS_WAITING_MAX, each=WATCHERS_WAITING_EACH_MAX)


def show_task(call: Call[Operator]) -> Answer:
    """One task with prompt, result, progress and events; with `wait`, once it has ended or moved on."""
    wait_s = call.query["wait"]
    with _places.place(call.who.name) as may_wait:
        row, new = follow.task(
            call.hub,
            call.path["task"],
            call.who,
            after=call.query["after"],
            wait_s=wait_s if may_wait else 0.0,
            gone=call.gone,
        )
    return _answer(row, new=new, refused=not may_wait and wait_s > 0)


def show_events(call: Call[Operator]) -> Answer:
    """What happened to a task since, and how far it is; with `wait`, once there is something."""
    wait_s = call.query["wait"]
    with _places.place(call.who.name) as may_wait:
        row, new = follow.events(
            call.hub,
            call.path["task"],
            call.who,
            after=call.query["after"],
            progress=call.query["progress"],
            wait_s=wait_s if may_wait else 0.0,
            gone=call.gone,
        )
    return _answer(row, new=new, refused=not may_wait and wait_s > 0)


def _answer(row: follow.Row, *, new: bool, refused: bool) -> Answer:
    """Whoever found no place to wait in gets what is new, else is told when to come back."""
    if refused and not new:
        raise Throttled("too many wait for tasks already", retry_after_s=BUSY_RETRY_S)
    return Answer(row)


ROUTES: tuple[Route[Operator], ...] = (
    Route(
        method="GET",
        path="/api/hub/tasks/{task}",
        summary="Show one task; with `wait`, once it has ended or something new happened.",
        answer=show_task,
        query=(WAIT, AFTER),
        problems=(404, 429),
    ),
    Route(
        method="GET",
        path="/api/hub/tasks/{task}/events",
        summary="What happened to a task since, and how far it is.",
        answer=show_events,
        query=(KNOWN, PROGRESS, WAIT),
        problems=(404, 429),
    ),
)
