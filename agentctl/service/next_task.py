"""The answer to a result brings the next task along: settled and handed out in one transaction.

It saves the agent a poll and the hub a commit. What is handed out, and to whom, is the poll's to
decide; what is lost on the way comes with the next poll.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from agentctl.model.principal import AgentPrincipal
from agentctl.service.context import Hub
from agentctl.service.poll import Held, assign
from agentctl.store import Txn

_log = logging.getLogger(__name__)

Row = dict[str, Any]


class _NotGivenError(Exception):
    """Handing out failed; what it wrote, and the settling beside it, is undone."""


def settled(
    hub: Hub,
    who: AgentPrincipal,
    settle: Callable[[Txn], Row],
    *,
    slots: int,
    holds: Sequence[Held],
) -> Row:
    """Settle a result and lease tasks for free slots; return its answer, with `messages` if there are any.

    When nothing can be handed out for a defect (a damaged record of another task), the result is
    settled all the same. Raises what `settle` raises.
    """
    if not slots:
        return hub.store.write(settle)
    try:
        answer, given = hub.store.write(
            lambda txn: (settle(txn), _given(hub, txn, who, slots, holds))
        )
    except _NotGivenError as why:
        _log.warning("no task with the answer to a result: %s", why.__cause__)
        return hub.store.write(settle)
    hub.live.waiters.wake(*(f"task:{each['task']}" for each in given))
    return answer | {"messages": given} if given else answer


def _given(hub: Hub, txn: Txn, who: AgentPrincipal, slots: int, holds: Sequence[Held]) -> list[Row]:
    try:
        return assign(hub, txn, who, slots, holds)
    except Exception as cause:
        raise _NotGivenError from cause
