"""A program that writes until it is killed: each acknowledged task's id goes to stdout.

Run as `python crash_writer.py DIRECTORY FIRST [--early]`. `--early` acknowledges
before the commit: a store that lies, for the test that proves the tests see it.
"""

import os
import sys
import threading
from itertools import count
from pathlib import Path
from threading import Lock

from agentctl.store import Store, Txn, group_commit, idempotency, journal, tasks
from tests.fakes.store_records import BODY, entry, task

THREADS = 8


def submitted(task_id: str, txn: Txn) -> None:
    """Write all that one submit writes: either all of it stands or none."""
    tasks.add(txn, task(task_id), BODY)
    idempotency.remember(txn, "operator:a", task_id, task_id, "digest")
    journal.append(txn, entry(subject=task_id), at_s=1.0)


def write_for_ever(store: Store, numbers: "count[int]") -> None:
    while True:
        task_id = f"task-{next(numbers):012d}"
        store.write(lambda txn, task_id=task_id: submitted(task_id, txn))  # type: ignore[misc]
        os.write(1, f"{task_id}\n".encode())


def acknowledge_before_the_commit() -> None:
    honest = group_commit._Job.run

    def lying(job: "group_commit._Job[object]", *where: object) -> None:
        honest(job, *where)  # type: ignore[arg-type]
        job.settle()
        job._pending = Lock()
        job._pending.acquire()

    group_commit._Job.run = lying  # type: ignore[method-assign,assignment]


def main() -> None:
    if "--early" in sys.argv:
        acknowledge_before_the_commit()
    store = Store.open(Path(sys.argv[1]))
    numbers = count(int(sys.argv[2]))
    for _ in range(THREADS):
        threading.Thread(target=write_for_ever, args=(store, numbers)).start()


main()
