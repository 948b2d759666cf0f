"""Set an agent apart, and let it back: an operator's act that needs no files and that no file undoes.

From the commit on none of its containers counts: their credentials are worth nothing, their
leases have ended, and while the record stands none is reserved anew. The reconciler stops them.
Source: docs/decisions/0026-quarantine.md.
"""

import difflib
from typing import Any

from agentctl.errors import NotFound
from agentctl.model.digest import plain
from agentctl.model.instance import InstanceState
from agentctl.model.principal import OperatorPrincipal
from agentctl.model.quarantine import Quarantine
from agentctl.service import delegated, mail
from agentctl.service.context import Hub
from agentctl.service.instances import end, expire_leases
from agentctl.service.record import note
from agentctl.service.reroute import reroute
from agentctl.service.roles import OPERATORS, require_role
from agentctl.store import Txn, instances, quarantined_agents
from agentctl.store import tasks as task_table

# What a task's error says: a delegator reads it, and who set whom apart, and why, is not for agents.
TOLD = "its agent is quarantined"


def quarantine(hub: Hub, agent: str, who: OperatorPrincipal, *, why: str) -> dict[str, Any]:
    """Set an agent apart at once, in every mode; return the record, and what it ended.

    What it worked on goes to others that may take it, or is held. One that is set apart already
    keeps its first record. Raises Refused (not an operator), NotFound (no agent of that name is
    declared or has containers), Unavailable (it can't be written).
    """
    require_role(who, OPERATORS, "quarantine agents")
    principal = f"operator:{who.name}"
    found, ended, tasks = hub.store.write(lambda txn: _set_apart(hub, txn, agent, principal, why))
    hub.live.checked_s = None  # the checks are due: people hear of it at once
    mail.withdraw(hub, agent, found.spoken)
    for task in tasks:
        hub.live.progress.pop(task, None)
    # Woken before work is routed again: an open poll of a container that has ended is refused.
    hub.live.waiters.wake(*(f"instance:{each}" for each in ended), f"agent:{agent}")
    hub.live.waiters.wake("reconciler", *(f"task:{each}" for each in tasks))
    reroute(hub)
    delegated.look_after(hub)
    return {**plain(found), "containers": len(ended), "tasks": list(tasks)}


def release(hub: Hub, agent: str, who: OperatorPrincipal, *, why: str) -> dict[str, Any]:
    """Let an agent back: it gets containers and work again. Raises Refused, NotFound, Unavailable."""
    require_role(who, OPERATORS, "release agents")
    principal = f"operator:{who.name}"

    def work(txn: Txn) -> Quarantine:
        stood = quarantined_agents.get(txn, agent)
        if stood is None:
            raise NotFound(
                f"{agent!r} is not quarantined", hint="`agentctl status` lists those that are"
            )
        quarantined_agents.delete(txn, agent)
        facts = {"why": why, "set_apart_by": stood.who, "because": stood.why}
        note(hub, txn, "agent.released", who=principal, subject=agent, **facts)
        return stood

    stood = hub.store.write(work)
    hub.live.checked_s = None
    reroute(hub)
    hub.live.waiters.wake("reconciler")
    return plain(stood)  # type: ignore[no-any-return]


def rows(txn: Txn) -> list[dict[str, Any]]:
    """Return all that are set apart, as the API shows them."""
    return [plain(each) for each in quarantined_agents.all(txn).values()]


def _set_apart(
    hub: Hub, txn: Txn, agent: str, who: str, why: str
) -> tuple[Quarantine, list[str], list[str]]:
    """Write the record and end every container of the agent; return it with their ids and their tasks'."""
    stands = quarantined_agents.get(txn, agent)
    if stands is not None:
        return stands, [], []
    living = list(instances.by_agent(txn, agent))
    if not living:
        _require_declared(hub, agent)
    made = Quarantine(agent=agent, who=who, why=why, since_s=hub.clock.wall_s())
    quarantined_agents.put(txn, made)
    tasks = [task.id for each in living for task in task_table.live_of(txn, each.id)]
    facts = {"why": why, "containers": str(len(living)), "tasks": " ".join(tasks)}
    note(hub, txn, "agent.quarantined", who=who, subject=agent, **facts)
    for each in living:
        expire_leases(hub, txn, each, TOLD)
        end(hub, txn, each, InstanceState.RECYCLED, made.spoken)
    return made, [each.id for each in living], tasks


def _require_declared(hub: Hub, agent: str) -> None:
    known = tuple(hub.fleet.agents) if hub.fleet else ()
    if agent not in known:
        near = difflib.get_close_matches(agent, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`agentctl agents` lists them"
        raise NotFound(f"no agent {agent!r} is declared", hint=hint)
