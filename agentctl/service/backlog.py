"""How much work may wait, and come from one: past a bound a submit is refused for now, and nothing kept."""

from agentctl.errors import Throttled
from agentctl.service.context import Hub
from agentctl.store import Txn
from agentctl.store import tasks as task_table

WAITING_MAX = (
    100_000  # tasks held or queued: some 400 MiB of the store with their lines and indexes
)
RETRY_S = 30.0  # agents take minutes for a task: sooner there is hardly more room


def require_room(txn: Txn) -> None:
    """Raise Throttled when as many tasks wait as may."""
    waiting = task_table.waiting(txn)
    if waiting >= WAITING_MAX:
        raise Throttled(
            f"{waiting} tasks wait already, the bound is {WAITING_MAX}",
            retry_after_s=RETRY_S,
            hint="let agents work them off, or cancel some: `agentctl tasks --state queued`",
        )


def require_share(hub: Hub, principal: str) -> None:
    """Raise Throttled for a submitter that is over its own rate. Counted in memory: it is for floods."""
    wait_s = hub.live.submits.wait_s(principal, hub.clock.boot_s())
    if wait_s:
        raise Throttled(f"{principal} submits more than its share", retry_after_s=wait_s)
