"""What happens when the hub says that an attempt isn't ours any more, however it said so."""

from agentd import log
from agentd.desk import Desk, Hold
from agentd.spool import Spool
from agentd.stop import StopReason


class Recall:
    """Ends an attempt that no longer counts: stops it while it runs; after, forgets a lost one's result.

    A cancelled attempt's result is sent nevertheless: it says what the attempt has cost.
    """

    def __init__(self, desk: Desk, spool: Spool) -> None:
        self._desk = desk
        self._spool = spool

    def __call__(self, hold: Hold, reason: StopReason) -> bool:
        """End the attempt; False when that changes nothing."""
        if reason is StopReason.LOST and self._spool.drop(hold):
            self._desk.release(hold)
        elif not self._desk.stop(hold, reason):
            return False
        log.info("task.recalled", task=hold[0], attempt=hold[1], why=str(reason))
        return True
