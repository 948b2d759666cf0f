"""Followed files that aren't applied: the last good generation goes on, and people are told."""

from typing import Any

from agentctl.model.principal import OperatorPrincipal
from agentctl.monitor.snapshot import Unapplied
from agentctl.service.context import Hub
from agentctl.service.roles import ADMINS, require_role


def followed(hub: Hub, who: OperatorPrincipal, *, broken: str) -> dict[str, Any]:
    """Note why the followed files aren't applied, "" once they are; kept in memory: it is told again."""
    require_role(who, ADMINS, "report on followed files")
    before = hub.live.files
    since_s = before.since_s if before else hub.clock.wall_s()
    hub.live.files = Unapplied(why=broken, since_s=since_s) if broken else None
    hub.live.checked_s = None  # the checks are due: an alert begins or ends
    return as_row(hub) or {}


def as_row(hub: Hub) -> dict[str, Any] | None:
    """Return why the followed files aren't applied and since when (wall clock), None when nothing is known."""
    files = hub.live.files
    return {"broken": files.why, "since_s": files.since_s} if files else None
