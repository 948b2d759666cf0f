"""Waits for something in the inbox: for a bounded time, and through a hub that is away for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from agentd.hub_errors import HubAway, HubRefused
from agentd.inbox import Hold, Inbox
from agentd.mcp.cancellation import Cancellation
from agentd.mcp.refusal import Unheard, pause_s, refused

T = TypeVar("T")


def until(
    find: Callable[[], T | None],
    *,
    inbox: Inbox,
    hold: Hold,
    wait_s: float,
    cancellation: Cancellation,
) -> T | None:
    """Return what `find` finds in the inbox, None when it doesn't come in `wait_s` seconds.

    None is the hub's word: each wait ends in a look of its own that doesn't wait. Raises Unheard
    when that look got no answer, Refusal when the hub refuses, Ended when nobody wants to know.
    """
    cancellation.listen(lambda: inbox.interrupt(cancellation))
    deadline_s = time.monotonic() + wait_s
    while (found := find()) is None:
        cancellation.check()
        left_s = max(0.0, deadline_s - time.monotonic())
        try:
            asked = inbox.look(hold, wait_s=left_s, who=cancellation, unless=cancellation.is_asked)
        except HubRefused as why:
            raise refused(why) from None
        except HubAway as why:
            if not left_s:
                raise Unheard(why) from None
            cancellation.wait(min(left_s, pause_s(why)))
            continue
        if asked and not left_s:
            return find()
    return found
