"""Followed files that aren't applied: the last good generation goes on, and people are told."""

from typing import Any

from agentctl.model.principal import OperatorPrincipal
from agentctl.monitor.snapshot import Unapplied
from agentctl.service.context import Hub
from agentctl.service.roles import ADMINS, require_role


def followed(
    hub: Hub, who: OperatorPrincipal, *, broken: str, since_s: float | None = None
) -> dict[str, Any]:
    """Note why the followed files aren't applied and since when, "" once they are.

    Kept in memory: whoever follows them tells it again, to a hub that has restarted too.
    """
    require_role(who, ADMINS, "report on followed files")
    before, now_s = hub.live.files, hub.clock.wall_s()
    first_s = before.since_s if before else min(since_s or now_s, now_s)
    after = Unapplied(why=broken, since_s=first_s) if broken else None
    if after != before:
        hub.live.files = after
        hub.live.checked_s = None  # the checks are due: an alert begins or ends
    return as_row(hub) or {}


def as_row(hub: Hub) -> dict[str, Any] | None:
    """Return why the followed files aren't applied and since when (wall clock), None when nothing is known."""
    files = hub.live.files
    return {"broken": files.why, "since_s": files.since_s} if files else None
