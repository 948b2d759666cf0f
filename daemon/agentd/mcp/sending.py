"""Messages under a task's attempt: one id over all tries of one call, a bounded number of tries."""

import itertools
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from agentd import redact
from agentd.assignment import Assignment
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.mcp.cancellation import Cancellation, Ended
from agentd.mcp.refusal import not_now, pause_s, refused
from agentd.strict_json import Reader

TRIES = 5  # of one call while the hub is away or says later: some ten seconds

T = TypeVar("T")


class Sender:
    """Of one task. Calls may come from several threads."""

    def __init__(self, job: Assignment, new_hub: Callable[[], Hub]) -> None:
        self._job = job
        self._new_hub = new_hub
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)  # ids of this run aren't those of an earlier agentd

    def send(self, message: dict[str, Any], cancellation: Cancellation) -> Reader:
        """Send a message; return the hub's answer. Raises Refusal, or Ended.

        The task's own model token is taken out: it is of use to this container alone.
        """
        whole = {
            "id": f"{self._job.task}.{self._job.attempt}.{self._run}-{next(self._numbers)}",
            "task": self._job.task,
            "attempt": self._job.attempt,
            **redact.tree(message, self._job.model_token),
        }
        return Reader(self.ask(lambda hub: hub.send(whole), cancellation), "the hub's answer")

    def ask(self, ask: Callable[[Hub], T], cancellation: Cancellation) -> T:
        """Return what the hub says, asked again while it is away. Raises Refusal, or Ended."""
        hub = self._new_hub()
        cancellation.listen(hub.hang_up)
        for left in range(TRIES - 1, -1, -1):
            cancellation.check()
            try:
                return ask(hub)
            except HubRefused as why:
                raise refused(why) from None
            except Interrupted:
                raise Ended from None
            except HubAway as why:
                if not left:
                    raise not_now(why) from None
                cancellation.wait(pause_s(why))
        raise AssertionError("unreachable")
