"""Asks the hub for work, saying each time all that is held and how much more may come.

Level-triggered: nothing is inferred from what was said before, so a lost answer,
a cancelled task and a restarted hub are all settled by the next poll.
"""

import threading
from typing import Any

from agentd import assignment, log
from agentd.assignment import Assignment, NoLongerOurs, Received
from agentd.backoff import Backoff
from agentd.desk import Desk, Hold
from agentd.door import Interrupted
from agentd.hub import Hub
from agentd.hub_errors import HubAway, HubRefused
from agentd.recall import Recall
from agentd.runner import Runner
from agentd.stop import StopReason
from agentd.strict_json import Malformed

WAIT_S = 20.0  # how long the hub may hold an empty poll; the wire allows 30
_IDLE_TURN_S = 0.5  # after an answer that changed nothing: a defect must not become a busy loop


class Poll:
    """Polls for as long as the process lives; while it works too, for that's how a cancel comes."""

    def __init__(self, hub: Hub, *, desk: Desk, runner: Runner, recall: Recall) -> None:
        self._hub = hub
        self._desk = desk
        self._runner = runner
        self._recall = recall
        self._backoff = Backoff()
        self._woken = threading.Event()
        desk.listen(self._wake)  # a free slot doesn't wait for the poll that said there was none

    def _wake(self) -> None:
        self._woken.set()
        self._hub.hang_up()

    def run_forever(self) -> None:
        """Poll again and again; never gives up."""
        while True:
            self.once()

    def once(self) -> None:
        """Make one poll and act on its answer; waits a little where there was none."""
        self._woken.clear()
        self._hub.rearm()
        slots, holds = self._desk.free(), self._desk.holds()
        try:
            messages = self._hub.poll(wait_s=WAIT_S, slots=slots, holds=holds)
        except Interrupted:
            return
        except HubAway as away:
            log.warning("hub.away", why=str(away))
            self._woken.wait(self._backoff.failed(retry_after_s=away.retry_after_s))
            return
        except HubRefused as refused:
            log.warning("poll.refused", status=refused.status, why=refused.detail)
            self._woken.wait(self._backoff.failed())
            return
        self._backoff.succeeded()
        changed = [self._act(each) for each in messages]
        # An answer about what was settled while the poll was out changes nothing, but the next
        # poll will say something else: only the same question again would get the same answer.
        same_question = (slots, holds) == (self._desk.free(), self._desk.holds())
        if messages and same_question and not any(changed):
            self._woken.wait(_IDLE_TURN_S)

    def settled(self, hold: Hold, brought: Any) -> None:
        """Put an attempt off the desk whose result is settled, and begin what came with the answer."""
        documents = [each for each in brought if isinstance(each, dict)] if brought else []
        received = [_parsed(each) for each in documents]
        jobs = [each for each in received if isinstance(each, Assignment)]
        for held in self._desk.release(hold, then=jobs):
            self._runner.start(held)

    def _act(self, document: dict[str, Any]) -> bool:
        received = _parsed(document)
        return received is not None and self._follow(received)

    def _follow(self, received: Received) -> bool:
        match received:
            case Assignment():
                held = self._desk.take(received)
                if held is not None:
                    self._runner.start(held)
                return held is not None
            case NoLongerOurs(cancelled=cancelled):
                reason = StopReason.CANCELLED if cancelled else StopReason.LOST
                return self._recall(received.hold, reason)


def _parsed(document: dict[str, Any]) -> Received | None:
    try:
        received = assignment.parse(document)
    except Malformed as wrong:
        log.warning("message.malformed", why=str(wrong))
        return None
    if received is None:
        log.warning("message.unknown", type=str(document.get("type"))[:64])
    return received
