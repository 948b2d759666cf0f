"""Follow one task by long polls, through a hub's restart, until it has ended or time is up."""

import time
from collections.abc import Callable
from typing import Any

from agentctl.client import Hub
from agentctl.errors import HubUnavailable, Unavailable

WAIT_S = 20.0  # of one long poll; below the client's own bound for an answer
PAUSE_S = 0.5  # after an answer that couldn't wait
AWAY_S_MAX = 60.0  # a hub that restarts is back in seconds; one that stays away is said

News = dict[str, Any]


def in_path(task_id: str) -> str:
    """Return an id safe in a URL's path: nothing typed here can name another route."""
    from urllib.parse import quote

    return quote(task_id, safe="")


def follow(
    hub: Hub,
    task_id: str,
    tell: Callable[[News], None],
    *,
    timeout_s: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    rest: Callable[[float], None] = time.sleep,
) -> bool:
    """Call `tell` with each answer that has news; return whether the task ended within `timeout_s`.

    `timeout_s` None waits for as long as it takes. Raises NotFound, and HubUnavailable when the
    hub is away for longer than AWAY_S_MAX.
    """
    path = f"/api/hub/tasks/{in_path(task_id)}/events"
    until_s = None if timeout_s is None else clock() + timeout_s
    after, progress, heard_s = 0, 0, clock()
    while True:
        left_s = WAIT_S if until_s is None else min(WAIT_S, until_s - clock())
        asked = {"after": after, "progress": progress, "wait": round(max(left_s, 0.0), 3)}
        try:
            news = hub.get(path, asked)
        except Unavailable as why:
            if isinstance(why, HubUnavailable) and clock() - heard_s > AWAY_S_MAX:
                raise
            rest(why.retry_after_s or PAUSE_S)
        else:
            heard_s = clock()
            now = (news["progress"] or {}).get("number", 0)
            if news["events"] or now != progress:
                tell(news)
            after, progress = news["next"], now
            if news["ended"]:
                return True
        if until_s is not None and clock() >= until_s:
            return False
