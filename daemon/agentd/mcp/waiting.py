"""Waits for something in the inbox, for a bounded time and through a hub that is away for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from agentd.hub_errors import HubAway, HubRefused
from agentd.inbox import Inbox
from agentd.mcp.cancellation import Cancellation
from agentd.mcp.refusal import away, pause_s, refused

LOOKS_AWAY_MAX = 5  # one after another before the model is told
T = TypeVar("T")


def until(
    find: Callable[[], T | None], *, inbox: Inbox, wait_s: float, cancellation: Cancellation
) -> T | None:
    """Return what `find` finds in the inbox, None when it doesn't come in `wait_s` seconds.

    The hub is looked at once even when there is no time. Raises Refusal when
    it stays away or refuses, Ended when nobody wants to know any more.
    """
    deadline_s = time.monotonic() + wait_s
    looks_away, last = 0, False
    while (found := find()) is None and not last:
        cancellation.check()
        left_s = max(0.0, deadline_s - time.monotonic())
        last = left_s == 0.0
        try:
            inbox.look(wait_s=left_s, unless=cancellation.is_asked)
            looks_away = 0
        except HubRefused as why:
            raise refused(why) from None
        except HubAway as why:
            looks_away += 1
            if last or looks_away == LOOKS_AWAY_MAX:
                raise away(why) from None
            cancellation.wait(min(left_s, pause_s(why)))
    return found
