"""Tunnels of the egress proxy: asked for, asked after every second while they are open, and ended.

Each leaves lines in the journal: who reached what, by which decision, how many bytes; never which.
"""

from dataclasses import dataclass
from typing import Any

from agentctl.errors import Conflict, Refused, Throttled, Unauthenticated
from agentctl.model.instance import Instance
from agentctl.model.mode import Verb
from agentctl.model.task import Task
from agentctl.monitor import permits
from agentctl.service import narrowing
from agentctl.service.attempt_token import holder_of
from agentctl.service.context import Fleet, Hub
from agentctl.service.egress import Place, Ruling, places, ruling
from agentctl.service.narrowing import Say
from agentctl.service.poll import holds_lease
from agentctl.service.record import note, note_decision
from agentctl.store import Txn, answers, instances
from agentctl.store import tasks as task_table

REFUSED = "egress.refused"
UNKNOWN = "unknown container"


def open_tunnel(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Return the terms of a tunnel to a host and port, or raise why there is none.

    Raises Unauthenticated (not a token of ours, or from another container), Conflict (the attempt
    is no longer current), Throttled, Refused (not declared, or a label above the boundary),
    NoDecision (OPA gives no answer), Degraded. Refusals are journaled, a bounded number of each
    container.
    """
    hub.require(Verb.EGRESS)
    asker, now_s = body["container"], hub.clock.boot_s()
    wait_s = hub.live.tunnels.wait_s(asker, now_s) or hub.live.tunnels_long.wait_s(asker, now_s)
    if wait_s:
        raise Throttled("this container asks for tunnels too often", retry_after_s=wait_s)
    try:
        said = narrowing.write(hub, lambda txn, say: _open(hub, txn, say, body), verb=Verb.EGRESS)
    except (Unauthenticated, Conflict) as why:
        _note_refused(hub, body["container"], f"{body['host']}:{body['port']}", why.detail)
        raise
    if isinstance(said, Refused):
        raise said
    return said


def _open(hub: Hub, txn: Txn, say: Say, body: dict[str, Any]) -> dict[str, Any] | Refused:
    task, instance = holder_of(hub, txn, body["token"], body["container"])
    found = ruling(
        say.fleet,
        task,
        instance,
        body["host"],
        body["port"],
        takes_back=say.takes_back,
        now_s=hub.clock.wall_s(),
    )
    if found.place is None or not found.decision.allowed:
        return _refused(hub, txn, task, instance, found, body)
    return _opened(hub, txn, task, instance, found, found.place)


def _opened(
    hub: Hub, txn: Txn, task: Task, instance: Instance, found: Ruling, place: Place
) -> dict[str, Any]:
    """Record the tunnel; return what egress needs to know of it."""
    tunnel = _Tunnel(
        number=hub.ids.new("tun"),
        task=task.id,
        attempt=task.attempt,
        instance=instance.id,
        terms=place.terms,
    )
    note(
        hub,
        txn,
        "egress.opened",
        who=instance.id,
        subject=task.id,
        decision=note_decision(hub, txn, found.question, found.decision),
        label=found.question.level,
        destination=place.destination.name,
        host=f"{place.host}:{place.port}",
        boundary=place.destination.boundary,
        attempt=task.attempt,
        tunnel=tunnel.number,
    )
    return {
        "tunnel": str(tunnel),
        "destination": place.destination.name,
        "networks": list(place.destination.networks),
    }


def _refused(
    hub: Hub, txn: Txn, task: Task, instance: Instance, found: Ruling, body: dict[str, Any]
) -> Refused:
    """Record a refusal of somebody who is known, with its decision."""
    said = found.decision
    unwritten = hub.live.refusals.take(body["container"], now_s=hub.clock.boot_s())
    if unwritten is None:
        return Refused(said.reason, rule=said.rule)
    decision = note_decision(hub, txn, found.question, said)
    note(
        hub,
        txn,
        REFUSED,
        who=instance.id,
        subject=task.id,
        decision=decision,
        label=found.question.level,
        host=f"{body['host']}:{body['port']}",
        attempt=task.attempt,
        why=said.reason,
        unwritten=unwritten or "",
    )
    return Refused(said.reason, rule=said.rule, decision_id=decision)


def refused(hub: Hub, body: dict[str, Any]) -> dict[str, Any]:
    """Record what egress refused by itself: a place in no form that could be declared."""
    _note_refused(hub, body["container"], body["target"], body["why"])
    return {}


def _note_refused(hub: Hub, container: str, host: str, why: str) -> None:
    unwritten = hub.live.refusals.take(container or UNKNOWN, now_s=hub.clock.boot_s())
    if unwritten is not None:
        facts = {"host": host, "why": why, "unwritten": str(unwritten or "")}
        hub.store.write(lambda txn: note(hub, txn, REFUSED, who=container or UNKNOWN, **facts))


def current(hub: Hub, tunnels: list[str]) -> list[str]:
    """Return those of the open tunnels whose attempt and whose declaration still stand.

    Rules count at once; OPA had its say when the tunnel was opened.
    """
    fleet = hub.fleet
    if fleet is None or not permits(hub.mode, "", Verb.EGRESS):
        return []
    with hub.store.read() as txn:
        return [each for each in tunnels if _is_current(hub, fleet, txn, _Tunnel.parsed(each))]


def _is_current(hub: Hub, fleet: Fleet, txn: Txn, tunnel: "_Tunnel | None") -> bool:
    task = task_table.get(txn, tunnel.task) if tunnel else None
    instance = instances.get(txn, tunnel.instance) if tunnel else None
    if tunnel is None or task is None or instance is None:
        return False
    if not holds_lease(task, tunnel.instance, tunnel.attempt):
        return False
    return any(
        ruling(
            fleet,
            task,
            instance,
            place.host,
            place.port,
            takes_back=fleet.policy.takes_back,
            now_s=hub.clock.wall_s(),
        ).decision.allowed
        for place in places(fleet, instance.agent)
        if place.terms == tunnel.terms
    )


def closed(hub: Hub, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Record how a tunnel ended and what went through it; saying it twice counts once."""
    tunnel = _Tunnel.parsed(name)
    if tunnel is None:
        return {}

    def work(txn: Txn) -> None:
        task = task_table.get(txn, tunnel.task)
        if task is None or answers.first(txn, task.id, name) is not None:
            return
        answers.remember(txn, task.id, name, "", {})
        note(
            hub,
            txn,
            REFUSED if body["ended"] == "refused" else "egress.closed",
            who=tunnel.instance,
            subject=task.id,
            label=task.sensitivity,
            tunnel=tunnel.number,
            attempt=tunnel.attempt,
            **body,
        )

    hub.store.write(work)
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tunnel:
    """The lease and the terms that a tunnel lives by; its name holds them, so a restarted hub knows it too.

    It goes to egress alone, which is trusted; an agent never sees it.
    """

    number: str
    task: str
    attempt: int
    instance: str
    terms: str

    def __str__(self) -> str:
        return f"{self.number}.{self.task}.{self.attempt}.{self.instance}.{self.terms}"

    @classmethod
    def parsed(cls, name: str) -> "_Tunnel | None":
        parts = name.split(".")
        if len(parts) != 5 or not parts[2].isdecimal():
            return None
        number, task, attempt, instance, terms = parts
        return cls(number=number, task=task, attempt=int(attempt), instance=instance, terms=terms)
