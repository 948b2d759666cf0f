"""Tasks that wait for OPA's word: asked about by a thread of its own, so that no tick waits for OPA.

A generation may ask OPA what the one before didn't: what was routed before isn't handed out until
it is decided again. Level-triggered: what waits is found in the tasks themselves, not in events.
"""

from collections.abc import Iterator
from itertools import islice

from agentctl.model.task import TaskState
from agentctl.service import reroute
from agentctl.service.context import Fleet, Hub
from agentctl.service.fitting import is_decided
from agentctl.service.narrowing import Answers, Unanswered, Unasked, ask
from agentctl.store import Txn
from agentctl.store import tasks as task_table

BATCH = 32  # tasks asked about between two writes
LOOK_S_MAX = 5.0  # of one look: what is left comes in the next
PROBE_S = 2.0  # between two questions to a server that gives no answer
SWEEP_S = 60.0  # OPA's policy changes without a generation: what it refused is asked again so often
SWEPT_MAX = 1000  # held tasks looked at by one sweep but the first, oldest first
BEHIND_MAX = 64  # of one agent's queue, behind a task that isn't decided yet
OF_TASKS = frozenset({"task.submit", "task.delegate"})


def look(hub: Hub) -> None:
    """Ask a silent server again, find the tasks that wait for its word, and decide them."""
    fleet, memory = hub.fleet, hub.live.opa
    if fleet is None:
        return
    memory.of(fleet.opa)
    if not fleet.opa.enabled:
        memory.owed.clear()
        memory.unanswered.clear()
        return
    _probe(hub, fleet)
    _find(hub, fleet)
    until_s, later = hub.clock.boot_s() + LOOK_S_MAX, list[str]()
    while hub.clock.boot_s() <= until_s and (batch := memory.take(BATCH)):
        try:
            later += _decide(hub, batch)
        except BaseException:
            memory.owe(batch)
            raise
    memory.owe(later)


def _probe(hub: Hub, fleet: Fleet) -> None:
    """Ask anew what got no answer, so that it is seen that OPA is back though nobody else asks."""
    memory = hub.live.opa
    with memory.lock:
        silent = list(memory.silent.values())
    for each in silent:
        if hub.clock.boot_s() - each.asked_s >= PROBE_S:
            ask(hub, fleet, each.question)
    if not OF_TASKS & set(memory.silent):
        memory.owe_unanswered()


def _find(hub: Hub, fleet: Fleet) -> None:
    memory, now_s = hub.live.opa, hub.clock.boot_s()
    with hub.store.read() as txn:
        if memory.swept_s is None or now_s - memory.swept_s >= SWEEP_S:
            most = SWEPT_MAX if memory.swept_s is not None else None  # after a start: all of them
            if memory.swept_s is None:
                memory.owe(_undecided(txn, fleet))
            memory.swept_s = now_s
            memory.owe(islice(task_table.in_state(txn, TaskState.HELD), most))
        for agent in fleet.agents:
            first = task_table.first_queued(txn, agent)
            task = task_table.get(txn, first) if first else None
            if task is not None and not is_decided(fleet, task):
                memory.owe(islice(task_table.queued(txn, agent), BEHIND_MAX))


def _undecided(txn: Txn, fleet: Fleet) -> Iterator[str]:
    """Yield the queued tasks that an earlier run left undecided, behind whichever is first in its queue."""
    for task_id in task_table.in_state(txn, TaskState.QUEUED):
        task = task_table.get(txn, task_id)
        if task is not None and not is_decided(fleet, task):
            yield task_id


def _decide(hub: Hub, batch: list[str]) -> list[str]:
    """Decide tasks with OPA's answers; return those whose facts moved meanwhile."""
    answers: dict[str, Answers] = {each: {} for each in batch}
    for _ in range(reroute.ASKED_MAX):
        wanted = list(_wanted(hub, answers))
        if not wanted:
            break
        for task_id, why in wanted:
            answers[task_id][why.key] = ask(hub, why.fleet, why.question)
    moved = hub.store.write(lambda txn: reroute.decide(hub, txn, answers))
    hub.live.opa.left_unanswered(moved.unanswered)
    reroute.wake(hub, moved.agents)
    return moved.later


def _wanted(hub: Hub, answers: dict[str, Answers]) -> list[tuple[str, Unasked]]:
    """Return the questions that are still to be asked: at most one of each task."""
    with hub.store.read() as txn:
        found = ((each, _missing(hub, txn, each, answers[each])) for each in answers)
        return [(task_id, why) for task_id, why in found if why is not None]


def _missing(hub: Hub, txn: Txn, task_id: str, answers: Answers) -> Unasked | None:
    task = task_table.get(txn, task_id)
    if task is None:
        return None
    try:
        reroute.rehearse(hub, txn, task, answers)
    except Unasked as why:
        return why
    except Unanswered:
        return None
    return None
