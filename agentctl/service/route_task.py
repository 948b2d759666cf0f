"""A task's facts and the applied fleet to where it goes: routing with policy's say in it."""

from collections.abc import Mapping
from dataclasses import replace

from agentctl.model.decision import Decision, Question
from agentctl.model.fleet import AgentSpec, Lifecycle
from agentctl.model.quarantine import Quarantine
from agentctl.model.task import Routed, Task
from agentctl.routing import Candidate, Chosen, NoRoute, Wanted, choose
from agentctl.service import waits
from agentctl.service.context import Fleet
from agentctl.service.live import Live
from agentctl.service.narrowing import Say
from agentctl.store import Txn, quarantined_agents
from agentctl.store import tasks as task_table

# Agents that OPA is asked about for one task: it refuses by the work, seldom by the agent.
ASKED_MAX = 8


def wanted(task: Task) -> Wanted:
    """Return what a task asks of an agent."""
    return Wanted(
        level=task.sensitivity,
        capabilities=frozenset(task.capabilities),
        labels=task.labels,
        agent=task.agent_wanted,
    )


def question(task: Task, agent: str) -> Question:
    """Return policy's question: may this task's submitter give it to this agent?

    The act is the submit: a rule's hours are asked about then, not about when an agent is free.
    """
    return Question(
        verb="task.delegate" if task.delegated else "task.submit",
        principal=task.submitted_by,
        target=f"agent:{agent}",
        level=task.sensitivity,
        capabilities=task.capabilities,
        labels=task.labels,
        role=task.submitter_role,
        at_s=task.submitted_at_s,
    )


def candidates(
    txn: Txn, fleet: Fleet, task: Task, apart: Mapping[str, Quarantine]
) -> list[Candidate]:
    """Return every declared agent as routing sees it, policy's refusals and those set apart included."""
    found = []
    for name, spec in sorted(fleet.agents.items()):
        provider = fleet.generation.desired.provider(spec.provider)
        if provider is None:
            continue  # references are checked before a generation is applied
        said = fleet.policy.decide(question(task, name))
        barred = _barred(fleet, task, spec) if said.allowed else f"policy: {said.reason}"
        found.append(
            Candidate(
                name=name,
                provider=spec.provider,
                boundary=provider.boundary,
                clearance=spec.clearance,
                capabilities=frozenset(spec.capabilities),
                load=task_table.load(txn, name),
                barred=apart[name].spoken if name in apart else barred,
            )
        )
    return found


def _barred(fleet: Fleet, task: Task, spec: AgentSpec) -> str:
    """Return why an agent's containers may not take a delegated task, "" when they may.

    What a persistent container says carries its agent's clearance: where the delegator may not
    hold that, the result could never come back.
    """
    owed = task.delegated
    if owed is None or spec.lifecycle is Lifecycle.EPHEMERAL:
        return ""
    if owed.ephemeral:
        return "a fresh container is asked for"
    if not fleet.levels.at_most(spec.clearance, owed.label):
        return f"its results are {spec.clearance}, the delegator's container is {owed.label}"
    return ""


def pick(txn: Txn, say: Say, task: Task, live: Live | None = None) -> Chosen | NoRoute:
    """Return where the task goes now, or why nobody may take it. Raises what `say` does.

    A provider that can't be used now, as `live` has it, changes nothing about where work belongs:
    it waits, and goes nowhere else. OPA is asked about the agent that would be chosen, and where it
    refuses about the next.
    """
    fleet = say.fleet
    apart = quarantined_agents.all(txn)
    seen = candidates(txn, fleet, task, apart)
    for _ in range(ASKED_MAX):
        found = choose(wanted(task), seen, fleet.generation.desired.routing.routes, fleet.levels)
        if isinstance(found, Chosen) and live is not None:
            why = waits.reason(live, provider=found.provider, agent=found.agent, task=task.id)
            if why:
                return NoRoute(reason=why, waits=True)
        if isinstance(found, NoRoute):
            return replace(found, waits=bool(apart) and _may_once_released(txn, fleet, task, apart))
        if not fleet.opa.enabled:
            return found
        said = say.decide(question(task, found.agent))
        if said.allowed:
            return found
        seen = [
            replace(each, barred=said.reason) if each.name == found.agent else each for each in seen
        ]
    refused = tuple((each.name, each.barred) for each in seen if each.barred)
    reason = f"OPA refuses the first {ASKED_MAX} agents that may take it otherwise"
    released = bool(apart) and _may_once_released(txn, fleet, task, apart)
    return NoRoute(reason=reason, by_agent=refused, waits=released)


def _may_once_released(txn: Txn, fleet: Fleet, task: Task, apart: Mapping[str, Quarantine]) -> bool:
    """Whether an agent that is set apart might take the task otherwise; OPA is asked when it is back."""
    seen = [each for each in candidates(txn, fleet, task, {}) if each.name in apart]
    found = choose(wanted(task), seen, fleet.generation.desired.routing.routes, fleet.levels)
    return isinstance(found, Chosen)


def refused_by_opa(say: Say, found: NoRoute) -> tuple[Question, Decision] | None:
    """Return the first refusal of OPA's where it refused all that may take the task otherwise.

    None where another still may, and only waits for its release or its provider.
    """
    return say.refused[0] if say.refused and not found.waits else None


def routed(chosen: Chosen, fleet: Fleet, decision_id: str) -> Routed:
    """Return the choice as it stands on the task."""
    return Routed(
        agent=chosen.agent,
        provider=chosen.provider,
        boundary=chosen.boundary,
        rule=chosen.rule,
        decision=decision_id,
        generation=fleet.generation.number,
    )
