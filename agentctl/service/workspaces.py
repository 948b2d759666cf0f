"""Which container a kept workspace may serve: none below what it holds, until an admin declassifies it.

Source: docs/decisions/0024-declassification.md.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from agentctl.errors import Conflict, InputError, NotFound, Refused, Unavailable
from agentctl.model.decision import Question
from agentctl.model.fleet import Lifecycle
from agentctl.model.instance import Instance
from agentctl.model.mode import Verb
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.workspace import Pair, Workspace
from agentctl.routing import workspace
from agentctl.service import narrowing
from agentctl.service.context import Fleet, Hub
from agentctl.service.narrowing import Say
from agentctl.service.record import note, note_decision
from agentctl.service.roles import ADMINS, require_role
from agentctl.store import Txn, instances, workspaces

VERB = "declassify"


def against(fleet: Fleet, kept: Workspace, label: str, boundary: str) -> str:
    """Return why a container of this label and boundary may not have the workspace, "" when it may."""
    return workspace.against(fleet.levels, kept.served, label, boundary)


def take(txn: Txn, fleet: Fleet, instance: Instance) -> tuple[Pair, ...]:
    """Give a container that is reserved its workspace; return what the volume may be labelled as.

    Raises Conflict when it may not have it.
    """
    if instance.ephemeral:
        return ()
    kept = workspaces.get(txn, instance.agent, instance.host, instance.replica)
    why = against(fleet, kept, instance.label, instance.boundary) if kept else ""
    if why:
        raise Conflict(
            f"{instance.agent}/{instance.replica} on {instance.host}: {why}", hint=workspace.HINT
        )
    workspaces.serve(txn, instance)
    return kept.pairs if kept else ()


def refused(hub: Hub, txn: Txn) -> Iterator[dict[str, Any]]:
    """Yield the declared places whose workspace may not serve what is declared there, each with why."""
    fleet = hub.fleet
    if fleet is None:
        return
    specs = {(each.name, each.host): each for each in fleet.generation.desired.agents}
    for kept in workspaces.all(txn):
        spec = specs.get((kept.agent, kept.host))
        provider = fleet.generation.desired.provider(spec.provider) if spec else None
        if spec is None or provider is None or spec.lifecycle is Lifecycle.EPHEMERAL:
            continue
        why = against(fleet, kept, spec.clearance, provider.boundary)
        if why:
            place = {"host": kept.host, "agent": kept.agent, "replica": kept.replica}
            yield {**place, "why": f"{why}; {workspace.HINT}"}


def rows(txn: Txn) -> list[dict[str, Any]]:
    """Return what every workspace has served, for plans."""
    return [
        {
            "host": each.host,
            "agent": each.agent,
            "replica": each.replica,
            "labels": list(each.served),
        }
        for each in workspaces.all(txn)
    ]


def row(fleet: Fleet, kept: Workspace) -> dict[str, Any]:
    """Return a workspace as the API shows it."""
    return {
        "host": kept.host,
        "replica": kept.replica,
        "holds": fleet.levels.join(kept.served) if kept.served else None,
        "labels": sorted(kept.served, key=fleet.levels.rank),
    }


def declassify(
    hub: Hub,
    who: OperatorPrincipal,
    agent: str,
    *,
    replica: int,
    host: str,
    to: str,
    why: str,
) -> dict[str, Any]:
    """Say that a workspace holds nothing above a level; return it. `host` may be "" where one has it.

    Raises Refused (not an admin, or no rule allows it), NotFound, InputError (no such level, or
    not a lower one), Conflict (a container lives there), Unavailable (nothing applied yet, the
    mode forbids it, or OPA gives no answer).
    """
    require_role(who, ADMINS, "declassify")
    hub.require(Verb.APPLY)
    fleet = hub.fleet
    if fleet is None:
        raise Unavailable("no fleet is applied yet", hint="run `agentctl apply` first")
    if not fleet.levels.known(to):
        known = ", ".join(fleet.levels.names)
        raise InputError(
            f"level {to!r} is not declared", hint=f"there are: {known}", fields=[("/to", "unknown")]
        )

    def work(txn: Txn, say: Say) -> tuple[Workspace, Refused | None]:
        kept = _found(txn, agent, host, replica)
        return _declassify(hub, txn, say, kept, who, to, why)

    # The refusal is written first, then raised: raising inside would take its record back.
    kept, refusal = narrowing.write(hub, work, verb=Verb.APPLY)
    if refusal is not None:
        raise refusal
    hub.live.waiters.wake("reconciler")
    return {"agent": agent, **row(fleet, kept)}


def _found(txn: Txn, agent: str, host: str, replica: int) -> Workspace:
    mine = [each for each in workspaces.of(txn, agent) if each.replica == replica]
    found = [each for each in mine if host in ("", each.host)]
    if not found:
        raise NotFound(
            f"no workspace of {agent}/{replica} is known{f' on {host}' if host else ''}",
            hint="`agentctl agent show NAME` lists an agent's",
        )
    if len(found) > 1:
        hosts = ", ".join(each.host for each in found)
        raise Conflict(f"{agent}/{replica} has one on each of {hosts}", hint="name the host")
    return found[0]


def _declassify(
    hub: Hub,
    txn: Txn,
    say: Say,
    kept: Workspace,
    who: OperatorPrincipal,
    to: str,
    why: str,
) -> tuple[Workspace, Refused | None]:
    _require_free(hub, txn, kept)
    fleet = say.fleet
    label = fleet.levels.join(kept.served)
    lower = to != label and (
        fleet.levels.at_most(to, label) or not fleet.levels.known(label)  # which is above all
    )
    if not kept.served or not lower:
        raise InputError(
            f"{kept.place} holds {label} work: {to} isn't lower", fields=[("/to", "must be lower")]
        )
    principal = f"operator:{who.name}"
    asked = Question(
        verb=VERB,
        principal=principal,
        target=f"agent:{kept.agent}",
        level=label,
        type=to,
        role=who.role.value,
        at_s=hub.clock.wall_s(),
    )
    said = say.decide(asked)
    decision = note_decision(hub, txn, asked, said)
    facts = {"from": label, "to": to, "why": why, "reason": said.reason}
    kind = "workspace.declassified" if said.allowed else "workspace.declassify_refused"
    note(hub, txn, kind, who=principal, subject=kept.place, decision=decision, label=label, **facts)
    if not said.allowed:
        hint = "a rule of policies/access.yaml must allow it: allow: declassify, to: agent:NAME"
        return kept, Refused(said.reason, rule=said.rule, decision_id=decision, hint=hint)
    after = replace(kept, served=(to,))
    workspaces.put(txn, after)
    return after, None


def _require_free(hub: Hub, txn: Txn, kept: Workspace) -> None:
    """Raise Conflict while a container lives there, or may: one that ended at the hub is killed later."""
    for each in instances.by_agent(txn, kept.agent):
        if (each.host, each.replica) == (kept.host, kept.replica):
            raise Conflict(
                f"{each.id} lives at {kept.place}, and goes on writing as {each.label}",
                hint="`agentctl quarantine` its agent, declassify, then `agentctl release` it",
            )
    seen = hub.live.running.get(kept.host)
    if seen is None or (kept.agent, kept.replica) in seen:
        raise Conflict(
            f"nobody has seen yet that nothing writes at {kept.place} any more",
            hint="try again when its container has stopped; `agentctl status` says whether hosts answer",
        )
