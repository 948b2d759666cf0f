"""The reconciler's listener: what is desired, what is observed, the life of each container."""

from agentctl.hub.long_polls import LongPolls
from agentctl.hub.query import Parameter
from agentctl.hub.route import WAIT_S_MAX, Answer, Call, Route
from agentctl.service import alerts, carriers, instances, reconciling

ALERTS_BYTES_MAX = 1024 * 1024  # 1,000 findings of 500 characters
OBSERVATION_BYTES_MAX = 32 * 1024 * 1024  # 50,000 containers at some 600 bytes
POLLS_WAITING_MAX = 8  # there is one reconciler; a restarted one's last poll may still wait
GENERATION_MAX = 2**53 - 1

DESIRED_QUERY = (
    Parameter(
        name="after",
        kind="integer",
        about="The generation that is known already.",
        default=0,
        maximum=GENERATION_MAX,
    ),
    Parameter(
        name="wait", kind="number", about="Seconds to wait.", default=0.0, maximum=WAIT_S_MAX
    ),
    Parameter(
        name="wakes",
        kind="integer",
        about="The last answer's `wakes`: a wake since then ends the wait; -1 counts from now.",
        default=-1,
        minimum=-1,
        maximum=GENERATION_MAX,
    ),
)
INSTANCE = "/api/hub/instances/{instance}"


class Desired:
    """The applied generation, once it is newer than the one known."""

    def __init__(self) -> None:
        self._places = LongPolls(places=POLLS_WAITING_MAX, each=POLLS_WAITING_MAX)

    def __call__(self, call: Call[None]) -> Answer:
        """Wait for a newer generation, or for work or drains that change what is to be done."""
        with self._places.place("reconciler") as may_wait:
            found = reconciling.desired(
                call.hub,
                after=call.query["after"],
                wakes=call.query["wakes"],
                wait_s=call.query["wait"] if may_wait else 0.0,
                gone=call.gone,
            )
        return Answer(found)


def observe(call: Call[None]) -> Answer:
    """Take what the engines show; say which instances there should be."""
    return Answer(reconciling.observed(call.hub, call.body))


def reserve(call: Call[None]) -> Answer:
    """Record the intent to make a container."""
    return Answer(instances.reserve(call.hub, call.body), 201)


def bind(call: Call[None]) -> Answer:
    """Tie an instance to its container; its boot document, with a token shown this once."""
    return Answer(instances.bind(call.hub, call.path["instance"], call.body["container"]))


def carry(call: Call[None]) -> Answer:
    """Take which process carries the door of a container on another host."""
    return Answer(carriers.carry(call.hub, call.path["instance"], **call.body))


def mark(call: Call[None]) -> Answer:
    """Record where an instance is in its life."""
    reason = call.body.get("reason", "")
    return Answer(instances.mark(call.hub, call.path["instance"], call.body["state"], reason))


def drain(call: Call[None]) -> Answer:
    """Give an instance no more work."""
    reason, only_idle = call.body.get("reason", ""), call.body.get("only_idle", False)
    return Answer(instances.drain(call.hub, call.path["instance"], reason, only_idle=only_idle))


def report_alerts(call: Call[None]) -> Answer:
    """Take what the reconciler's checks found; return the alerts that the sinks weren't told of."""
    return Answer(alerts.reported(call.hub, call.body))


def record_pass(call: Call[None]) -> Answer:
    """Take what a pass plans, does and did."""
    return Answer(reconciling.record_pass(call.hub, call.body))


def routes() -> tuple[Route[None], ...]:
    """Return the table of the reconciler's listener, with places to wait in of its own."""
    return (
        Route(
            method="GET",
            path="/api/hub/desired",
            summary="The applied generation, once it is newer.",
            answer=Desired(),
            query=DESIRED_QUERY,
        ),
        Route(
            method="POST",
            path="/api/hub/observed",
            summary="Report what the engines show.",
            answer=observe,
            body="api/observed",
            body_bytes_max=OBSERVATION_BYTES_MAX,
        ),
        Route(
            method="POST",
            path="/api/hub/instances",
            summary="Reserve an instance before its container is made.",
            answer=reserve,
            body="api/instance",
            statuses=(201,),
            problems=(409,),
        ),
        Route(
            method="POST",
            path=f"{INSTANCE}/bind",
            summary="Tie an instance to its container; get its boot document.",
            answer=bind,
            body="api/bind",
            problems=(404, 409),
        ),
        Route(
            method="POST",
            path=f"{INSTANCE}/carrier",
            summary="Say which process carries a remote container's door.",
            answer=carry,
            body="api/carrier",
            problems=(404, 409),
        ),
        Route(
            method="POST",
            path=f"{INSTANCE}/state",
            summary="Record where an instance is in its life.",
            answer=mark,
            body="api/instance.state",
            problems=(404,),
        ),
        Route(
            method="POST",
            path=f"{INSTANCE}/drain",
            summary="Give an instance no more work.",
            answer=drain,
            body="api/drain",
            problems=(404,),
        ),
        Route(
            method="POST",
            path="/api/hub/passes",
            summary="Report a pass.",
            answer=record_pass,
            body="api/pass",
            body_bytes_max=OBSERVATION_BYTES_MAX,
        ),
        Route(
            method="POST",
            path="/api/hub/alerts/report",
            summary="Report what checks found; get the alerts to tell.",
            answer=report_alerts,
            body="api/alerts.report",
            body_bytes_max=ALERTS_BYTES_MAX,
        ),
    )
