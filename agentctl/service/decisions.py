"""The answers that policy and routing gave, newest first, as operators read them."""

from typing import Any

from agentctl.model.principal import OperatorPrincipal
from agentctl.service.context import Hub
from agentctl.service.roles import READERS, require_role
from agentctl.store import decisions

PAGE_MAX = 1000


def page(
    hub: Hub, who: OperatorPrincipal, *, allowed: bool | None, limit: int, before: str | None
) -> dict[str, Any]:
    """Return a page of decisions, newest first, and the id to pass as `before` for the next one.

    `allowed` keeps only those that were, or weren't. Raises Refused (not a reader).
    """
    require_role(who, READERS, "read decisions")
    with hub.store.read() as txn:
        found, following = decisions.page(
            txn, allowed=allowed, limit=min(limit, PAGE_MAX), before=before
        )
    return {"decisions": [_row(*each) for each in found], "next": following}


def one(hub: Hub, who: OperatorPrincipal, decision_id: str) -> dict[str, Any] | None:
    """Return a decision, None when there is none of that id (any more). Raises Refused (not a reader)."""
    require_role(who, READERS, "read decisions")
    if not decision_id:
        return None
    with hub.store.read() as txn:
        found = decisions.get(txn, decision_id)
    return _row(decision_id, found) if found else None


def _row(decision_id: str, decided: decisions.Decided) -> dict[str, Any]:
    """Return one decision; of a task's labels only the level: the rest can be anything."""
    asked, said = decided.question, decided.decision
    return {
        "id": decision_id,
        "at_s": decided.at_s,
        "allowed": said.allowed,
        "rule": said.rule,
        "reason": said.reason,
        "verb": asked.verb,
        "principal": asked.principal,
        "target": asked.target,
        "level": asked.level,
        "type": asked.type,
        "capabilities": list(asked.capabilities),
        "generation": decided.generation,
    }
