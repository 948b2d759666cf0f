"""A fleet with a bit of everything that a dashboard has to show, on a hub that a test has at hand."""

from dataclasses import replace
from typing import Any

from agentctl.model.fleet import AgentSpec, DesiredState, Destination, Host, Lifecycle
from agentctl.model.principal import AgentPrincipal, OperatorPrincipal, Role
from agentctl.model.task import NewTask, Task
from agentctl.service import alerts, quarantine, reconciling
from agentctl.service.poll import poll
from agentctl.service.report import report
from agentctl.service.submit import submit
from tests.fakes.fleet import HOST, RESEARCHER, THINKER, fleet
from tests.unit.service.conftest import HubAtHand

OPERATOR = OperatorPrincipal(name="ada", role=Role.OPERATOR)
EDGE = Host(name="edge", engine_url="unix:///run/edge.sock")
GITHUB = Destination(name="github", hosts=(("github.com", 443),), boundary="public")
CLERK = replace(RESEARCHER, name="clerk", clearance="restricted", capabilities=("filing",))
SCRIBE = replace(
    THINKER, name="scribe", capabilities=("writing",), lifecycle=Lifecycle.EPHEMERAL, replicas=4
)
COURIER = replace(
    THINKER, name="courier", clearance="public", capabilities=("fetch",), egress=("github",)
)
FAR = replace(RESEARCHER, name="outpost", host="edge", capabilities=("observe",))


def busy() -> DesiredState:
    """Return what is declared: private and public agents, one of them on a second host."""
    agents: tuple[AgentSpec, ...] = (
        replace(RESEARCHER, replicas=2),
        THINKER,
        CLERK,
        SCRIBE,
        COURIER,
        FAR,
    )
    return replace(fleet(*agents, hosts=(HOST, EDGE)), destinations=(GITHUB,))


def fill(at: HubAtHand) -> dict[str, str]:
    """Apply the fleet and let it work a while; return the ids of tasks by what became of them."""
    at.apply(busy())
    first, thinker, clerk = (at.born(name) for name in ("researcher", "thinker", "clerk"))
    workers = (first, thinker, clerk, at.born("researcher", replica=1))
    _look(at)
    made: dict[str, str] = {}
    for number in range(9):
        _pass(at, 240 - 12 * number)
        done = _submit(at, f"summarise chapter {number}", agent="researcher")
        _finish(at, first, done, cost_usd=0.0)
    for number in range(4):
        _pass(at, 90)
        done = _submit(
            at, f"plan step {number}", capabilities=("deep-reasoning",), level="internal"
        )
        made["completed"] = done.id
        _finish(at, thinker, done, cost_usd=0.1234 + number)
    failed = _submit(at, "file the report", capabilities=("filing",))
    _take(at, clerk)
    _say(at, clerk, "task.accepted", failed)
    _pass(at, 20)
    why = {"reason": "max_turns", "detail": "it took all 40 turns", "retryable": False}
    _say(at, clerk, "task.failed", failed, text="", **why)
    made["failed"] = failed.id
    running = _submit(at, "compare the two drafts", agent="researcher", labels=(("team", "docs"),))
    _take(at, first)
    _say(at, first, "task.accepted", running)
    _pass(at, 45)
    progress = {"turns": 7, "tools": 12, "input_tokens": 9000, "output_tokens": 700}
    _say(at, first, "task.progress", running, **progress, note="reading draft 2")
    made["running"] = running.id
    for number in range(3):
        made["queued"] = _submit(
            at, f"write letter {number}", capabilities=("writing",), level="public"
        ).id
    for number in range(2):
        held = _submit(
            at, f"think about plan {number}", capabilities=("deep-reasoning",), level="confidential"
        )
        made["held"] = held.id
    quarantine.quarantine(
        at.hub, "courier", OPERATOR, why="it asked for a host that it has no business with"
    )
    _pass(at, 130)
    _look(at)
    now_s = at.hub.clock.wall_s()
    at.hub.live.instance_seen_s.update({each.instance: now_s for each in workers})
    alerts.look(at.hub)
    return made


def _pass(at: HubAtHand, seconds: float) -> None:
    if at.clock is not None:
        at.clock.advance(seconds)


def _submit(
    at: HubAtHand,
    prompt: str,
    *,
    capabilities: tuple[str, ...] = (),
    level: str | None = None,
    agent: str | None = None,
    labels: tuple[tuple[str, str], ...] = (),
) -> Task:
    new = NewTask(
        prompt=prompt,
        sensitivity=level,
        agent=agent,
        capabilities=capabilities,
        labels=labels,
    )
    return submit(at.hub, new, OPERATOR)[0]


def _take(at: HubAtHand, who: AgentPrincipal) -> None:
    poll(at.hub, who, slots=1, holds=(), wait_s=0.0, gone=lambda: False)


def _say(at: HubAtHand, who: AgentPrincipal, kind: str, task: Task, **payload: Any) -> None:
    message = {"id": f"{kind}-{task.id[-12:]}", "type": kind, "task": task.id}
    report(at.hub, who, {**message, "attempt": 1, "payload": payload})


def _finish(at: HubAtHand, who: AgentPrincipal, task: Task, *, cost_usd: float) -> None:
    _take(at, who)
    _pass(at, 2)
    _say(at, who, "task.accepted", task)
    _pass(at, 31)
    usage = {"input_tokens": 5200, "output_tokens": 940, "cache_read_tokens": 18_000}
    said = f"Done: {task.id} was easy."
    _say(at, who, "task.completed", task, text=said, usage=usage, cost_usd=cost_usd, turns=4)


def _look(at: HubAtHand) -> None:
    """Tell what a reconciler's look would: one host with all that was born, one that is away."""
    from agentctl.store import instances

    with at.hub.store.read() as txn:
        living = list(instances.alive(txn))
    containers = [
        {
            "id": each.container,
            "name": f"acme-{each.agent}-{each.replica}",
            "agent": each.agent,
            "replica": each.replica,
            "instance": each.id,
            "state": "running",
            "installation": at.hub.installation,
        }
        for each in living
    ]
    hosts = [
        {"name": "local", "error": "", "engine": "docker 20.10", "containers": containers},
        {"name": "edge", "error": "connection refused", "engine": "", "containers": []},
    ]
    for _ in range(3):
        reconciling.observed(at.hub, {"hosts": hosts})
