"""Room for the store: the ballast is given up when a write fails, and held again before degraded is left.

Source: docs/decisions/0010-journal-and-state.md.
"""

import logging

from agentctl.errors import StoreUnavailable
from agentctl.service import modes
from agentctl.service.context import Hub
from agentctl.service.record import note
from agentctl.store.ballast import Ballast

DISK = "disk"
QUOTA = "quota"
QUOTA_SHARE = 0.75  # of the map: a full one refuses deletes too, which need pages of their own

log = logging.getLogger("agentctl.hub")


class Room:
    """One hub's room on its disk. `give_up` may be called from any thread, `tick` from one."""

    def __init__(self, ballast: Ballast) -> None:
        self._ballast = ballast
        self._failure = ""

    def give_up(self, hub: Hub, why: StoreUnavailable) -> None:
        """A commit failed: free what is held, and say so. It may be the writing thread's: it writes nothing."""
        if self._ballast.give_up():
            log.warning("the ballast is given up: %s", why.detail)
        self._failure = self._failure or why.detail
        modes.cause(hub, modes.STORE, why.detail)  # first: while it stands, nobody writes
        modes.cause(hub, DISK, self._reason())

    def tick(self, hub: Hub) -> None:
        """Hold the ballast again where there is room, watch the quota, journal a failure that is over."""
        if modes.STORE not in hub.live.causes:
            self._journal_failure(hub)
            self._hold(hub)
        self._quota(hub)

    def _hold(self, hub: Hub) -> None:
        if self._ballast.hold():
            if DISK in hub.live.causes:
                modes.cause(hub, DISK, "")
        else:
            modes.cause(hub, DISK, self._reason())

    def _reason(self) -> str:
        free = self._ballast.free_bytes() // 1024
        return f"the state directory's disk is full ({free} KiB free): make room on it"

    def _journal_failure(self, hub: Hub) -> None:
        """Write what couldn't be written while it happened."""
        if self._failure:
            why = self._failure
            hub.store.write(
                lambda txn: note(hub, txn, "store.failed", who="hub", reason=why, over="true")
            )
            self._failure = ""

    def _quota(self, hub: Hub) -> None:
        figures = hub.store.figures()
        over = figures.map_bytes and figures.held_bytes > figures.map_bytes * QUOTA_SHARE
        if over or QUOTA in hub.live.causes:
            used, share = figures.held_bytes >> 20, QUOTA_SHARE
            reason = f"the store holds {used} MiB, over {share:.0%} of its bound: shorten retention"
            modes.cause(hub, QUOTA, reason if over else "")
