"""The agents' listener: buy an SVID, poll, report. Everything an agent says is a claim until proved."""

from agentctl.errors import InputError, Throttled
from agentctl.hub import task_artifacts
from agentctl.hub.credentials import bearer
from agentctl.hub.long_polls import LongPolls
from agentctl.hub.query import Parameter
from agentctl.hub.route import WAIT_S_MAX, Answer, Call, Route
from agentctl.model.message import TAKEN_MAX
from agentctl.model.principal import AgentPrincipal
from agentctl.service import authenticate, colleagues, poll, report, send
from agentctl.service.rate import Rate

HOLDS_MAX = 64  # tasks that one container may say it holds
SLOTS_MAX = 64
POLLS_WAITING_MAX = 1024  # of the listener's 1,088 threads: the rest is for results and heartbeats
# The poll for work, the look for mail, and a reconnect of either whose first isn't noticed as gone yet.
POLLS_WAITING_EACH_MAX = 3
BUSY_RETRY_S = 2.0
REQUESTS_PER_S = 100.0  # of one instance, polls and messages: agentd at its busiest makes ten
REQUESTS_BURST = 1000  # what agentd has spooled while the hub was away comes at once

NOTHING_BYTES_MAX = 256  # an empty object, however it is written

HOLD = r"(task-[0-9a-z]{26}):([1-9][0-9]{0,5})"

SLOTS_AND_HOLDS = (
    Parameter(name="slots", kind="integer", about="Free slots.", default=0, maximum=SLOTS_MAX),
    Parameter(
        name="holds",
        kind="string",
        about="A task held now, as task:attempt; once for each.",
        pattern=HOLD,
        count_max=HOLDS_MAX,
    ),
)
POLL_QUERY = (
    Parameter(
        name="wait", kind="number", about="Seconds to wait.", default=0.0, maximum=WAIT_S_MAX
    ),
    *SLOTS_AND_HOLDS,
    Parameter(
        name="seen",
        kind="string",
        about="The last message of another agent that was handled: it, and all before it, come no more.",
        default="",
        pattern=r"[A-Za-z0-9._-]{0,80}",
    ),
    Parameter(
        name="mail",
        kind="integer",
        about="Messages of other agents to take.",
        default=0,
        maximum=TAKEN_MAX,
    ),
)


def buy_svid(call: Call[None]) -> Answer:
    """Change an instance token for a fresh JWT-SVID."""
    token = bearer(call.header("Authorization"))
    return Answer(authenticate.svid(call.hub, token, call.peer))


class Polling:
    """Polls, and the places to wait in that they share."""

    def __init__(self) -> None:
        self._places = LongPolls(places=POLLS_WAITING_MAX, each=POLLS_WAITING_EACH_MAX)

    def __call__(self, call: Call[AgentPrincipal]) -> Answer:
        """Say what is so. Without a place to wait in, only what there is now: else come back."""
        wait_s = call.query["wait"]
        with self._places.place(call.who.instance) as may_wait:
            messages = poll.poll(
                call.hub,
                call.who,
                slots=call.query["slots"],
                holds=tuple(map(_hold, call.query["holds"])),
                wait_s=wait_s if may_wait else 0.0,
                gone=call.gone,
                take=call.query["mail"],
                seen=call.query["seen"],
            )
        if not messages and not may_wait and wait_s:
            raise Throttled("too many polls wait already", retry_after_s=BUSY_RETRY_S)
        return Answer({"messages": messages})


def take_message(call: Call[AgentPrincipal]) -> Answer:
    """Take an agent's message; the sender is the SVID's subject, whatever the message says."""
    holds = tuple(map(_hold, call.query["holds"]))
    slots = call.query["slots"]
    return Answer(report.report(call.hub, call.who, call.body, slots=slots, holds=holds))


def take_malformed(call: Call[AgentPrincipal], why: InputError) -> None:
    """Have a message between agents that breaks its schema refused as such: journaled, and for good."""
    send.malformed(call.hub, call.who, call.body, why)


def list_colleagues(call: Call[AgentPrincipal]) -> Answer:
    """Return the sender's colleagues."""
    return Answer(colleagues.colleagues(call.hub, call.who))


class Rated:
    """Requests of one instance, within its rate; asked before a body is read, which costs."""

    def __init__(self) -> None:
        self._rate = Rate(per_s=REQUESTS_PER_S, burst=REQUESTS_BURST)

    def __call__(self, call: Call[AgentPrincipal]) -> None:
        wait_s = self._rate.wait_s(call.who.instance, call.hub.clock.boot_s())
        if wait_s:
            raise Throttled(
                f"more than {REQUESTS_PER_S:g} requests a second from one instance",
                retry_after_s=wait_s,
            )


def _hold(text: str) -> tuple[str, int]:
    task, _, attempt = text.partition(":")
    return task, int(attempt)


def routes() -> tuple[Route[None] | Route[AgentPrincipal], ...]:
    """Return the table of the agents' listener, with a rate and places to wait in of its own."""
    rated = Rated()
    return (
        Route(
            method="POST",
            path="/api/hub/svid",
            summary="Change the instance token (as bearer) for a JWT-SVID.",
            answer=buy_svid,
            body="wire/svid.request",
            body_bytes_max=NOTHING_BYTES_MAX,  # read before anybody is known
            open=True,  # by the instance token instead
            problems=(401,),
        ),
        Route(
            method="GET",
            path="/api/hub/messages",
            summary="Say what is held and how many slots are free; get what isn't so.",
            answer=Polling(),
            admit=rated,
            query=POLL_QUERY,
            problems=(429,),
        ),
        Route(
            method="POST",
            path="/api/hub/messages",
            summary="Say how a task goes on, that the agent lives, or something to other agents.",
            answer=take_message,
            malformed=take_malformed,
            admit=rated,
            query=SLOTS_AND_HOLDS,
            body="wire/message",
            problems=(409, 429),
        ),
        Route(
            method="GET",
            path="/api/hub/colleagues",
            summary="List the agents that this one may write to or give work, and how.",
            answer=list_colleagues,
            admit=rated,
            problems=(429,),
        ),
        *task_artifacts.OF_AGENTS,
    )
