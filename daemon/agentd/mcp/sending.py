"""Messages under a task's attempt: one id over all tries, a later call's that says the same included."""

import hashlib
import itertools
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from agentd.assignment import Assignment
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.mcp.cancellation import Cancellation, Ended
from agentd.mcp.refusal import Refusal, not_now, pause_s, refused
from agentd.strict_json import dumps

TRIES = 5  # of one call while the hub is away or says later: some ten seconds
UNSETTLED_MAX = 64  # messages whose fate isn't known, by what they say

T = TypeVar("T")


class Sender:
    """Of one task. Calls may come from several threads."""

    def __init__(self, job: Assignment, new_hub: Callable[[], Hub]) -> None:
        self._job = job
        self._new_hub = new_hub
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)  # ids of this run aren't those of an earlier agentd
        self._lock = threading.Lock()
        self._unsettled: OrderedDict[str, str] = OrderedDict()

    def send(self, message: dict[str, Any], cancellation: Cancellation) -> dict[str, Any]:
        """Send a message; return the hub's answer. Raises Refusal, or Ended.

        A message without an answer may have arrived. Said again, it goes under the same id, and
        the hub gives its first answer instead of doing it twice.
        """
        said = hashlib.sha256(dumps(message)).hexdigest()
        whole = {
            "id": self._id_for(said),
            "task": self._job.task,
            "attempt": self._job.attempt,
            **message,
        }
        try:
            answer = self.ask(lambda hub: hub.send(whole), cancellation)
        except _Unanswered as why:
            self._keep(said, whole["id"])
            raise not_now(why.why) from None
        except Ended:
            self._keep(said, whole["id"])
            raise
        return answer

    def ask(self, ask: Callable[[Hub], T], cancellation: Cancellation) -> T:
        """Return what the hub says, asked again while it is away. Raises Refusal, or Ended."""
        hub = self._new_hub()
        cancellation.listen(hub.hang_up)
        try:
            for left in range(TRIES - 1, -1, -1):
                cancellation.check()
                try:
                    return ask(hub)
                except HubAway as why:
                    if not left:
                        raise _Unanswered(why) from None
                    cancellation.wait(pause_s(why))
        except HubRefused as why:
            raise refused(why) from None
        except Interrupted:
            raise Ended from None
        finally:
            hub.close()
        raise AssertionError("unreachable")

    def _id_for(self, said: str) -> str:
        with self._lock:
            kept = self._unsettled.pop(said, None)
            if kept is not None:
                return kept
            return f"{self._job.task}.{self._job.attempt}.{self._run}-{next(self._numbers)}"

    def _keep(self, said: str, message_id: str) -> None:
        with self._lock:
            self._unsettled[said] = message_id
            if len(self._unsettled) > UNSETTLED_MAX:
                self._unsettled.popitem(last=False)


class _Unanswered(Refusal):
    """No usable answer after all tries."""

    def __init__(self, why: HubAway) -> None:
        super().__init__(str(not_now(why)))
        self.why = why
