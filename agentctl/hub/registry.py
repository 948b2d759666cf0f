"""Operators' routes about agents: how they stand, and setting one apart."""

from agentctl.hub.route import Answer, Call, Route
from agentctl.model.principal import OperatorPrincipal
from agentctl.service import quarantine, registry, workspaces

Operator = OperatorPrincipal
AGENT = "/api/hub/agents/{agent}"


def list_agents(call: Call[Operator]) -> Answer:
    """Declared agents with their containers."""
    return Answer(registry.agents(call.hub, call.who))


def show_agent(call: Call[Operator]) -> Answer:
    """One agent: its declaration, its containers with the times of their states, its tasks."""
    return Answer(registry.agent(call.hub, call.path["agent"], call.who))


def quarantine_agent(call: Call[Operator]) -> Answer:
    """Set an agent apart: nothing of it runs, gets work or is heard until it is released."""
    why = call.body.get("why", "")
    return Answer(quarantine.quarantine(call.hub, call.path["agent"], call.who, why=why))


def release_agent(call: Call[Operator]) -> Answer:
    """Let an agent back."""
    why = call.body.get("why", "")
    return Answer(quarantine.release(call.hub, call.path["agent"], call.who, why=why))


def declassify_workspace(call: Call[Operator]) -> Answer:
    """Say that a workspace holds nothing above a level; on record with who, why, from what to what."""
    body = call.body
    found = workspaces.declassify(
        call.hub,
        call.who,
        call.path["agent"],
        replica=body["replica"],
        host=body.get("host", ""),
        to=body["to"],
        why=body["why"],
    )
    return Answer(found)


ROUTES: tuple[Route[Operator], ...] = (
    Route(
        method="GET",
        path="/api/hub/agents",
        summary="List agents and their containers.",
        answer=list_agents,
    ),
    Route(
        method="GET",
        path=AGENT,
        summary="Show one agent with its containers and tasks.",
        answer=show_agent,
        problems=(404,),
    ),
    Route(
        method="POST",
        path=f"{AGENT}/quarantine",
        summary="Set an agent apart.",
        answer=quarantine_agent,
        body="api/quarantine",
        problems=(404,),
    ),
    Route(
        method="POST",
        path=f"{AGENT}/release",
        summary="Let an agent back that was set apart.",
        answer=release_agent,
        body="api/quarantine",
        problems=(404,),
    ),
    Route(
        method="POST",
        path=f"{AGENT}/declassify",
        summary="Lower the label of a workspace.",
        answer=declassify_workspace,
        body="api/declassify.workspace",
        problems=(404, 409),
    ),
)
