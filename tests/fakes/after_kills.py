"""What must hold of a hub's state after any number of kills, given what everybody had been answered."""

from collections import Counter

from agentctl.model.task import TaskState
from agentctl.paths import StatePaths
from agentctl.store import Store, Txn, inspection, task_events
from agentctl.store import tasks as task_table
from tests.fakes.fleet_load import Heard

ENDS = {"completed", "failed", "dead", "cancelled", "deadline"}
FINAL = {
    TaskState.COMPLETED,
    TaskState.FAILED,
    TaskState.CANCELLED,
    TaskState.TIMED_OUT,
    TaskState.DEAD,
}


def wrongs(paths: StatePaths, heard: Heard) -> list[str]:
    """Return what is lost, settled twice, answered otherwise or unverifiable; the hub isn't running."""
    store = Store.open(paths.store)
    try:
        with store.read() as txn:
            return [
                *heard.wrong,
                *(f"damage: {each}" for each in inspection.faults(txn)),
                *_lost(txn, heard),
                *_settled_wrongly(txn, heard),
                *_more_than_once(txn),
            ]
    finally:
        store.close()


def _lost(txn: Txn, heard: Heard) -> list[str]:
    known = heard.acknowledged.values()
    twice = [each for each, times in Counter(known).items() if times > 1]
    return [
        *(f"{each}: acknowledged and lost" for each in known if task_table.get(txn, each) is None),
        *(f"{each}: one task for two keys" for each in twice),
    ]


def _settled_wrongly(txn: Txn, heard: Heard) -> list[str]:
    found = []
    for task_id, ends in heard.settled.items():
        task = task_table.get(txn, task_id)
        said = (task.attempt, task.result.text) if task and task.result else None
        if ends != [said]:
            found.append(f"{task_id}: acknowledged results {ends}, kept {said}")
    return found


def _more_than_once(txn: Txn) -> list[str]:
    found = []
    for state in TaskState:
        for task_id in task_table.in_state(txn, state):
            events = [each.event for each in task_events.of(txn, task_id)]
            ends = [each for each in events if each in ENDS]
            if len(ends) != (1 if state in FINAL else 0):
                found.append(f"{task_id}: is {state}, ended {len(ends)} times ({events})")
            task = task_table.get(txn, task_id)
            if task and events.count("leased") != task.attempt:
                found.append(f"{task_id}: attempt {task.attempt}, events {events}")
    return found
