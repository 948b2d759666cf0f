"""Acknowledged, durable writes per second of the store, beside what the disk itself can do.

    python -m bench.store [--dir DIRECTORY] [--seconds 3] [--json]

`record` is one small record; `submit` is all that a submitted task writes (record, body,
indexes, counters, idempotency key, journal line). The floor is 4 KiB written and
fdatasync'ed, again and again, in the same directory in the same run.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from agentctl.model.journal import Entry
from agentctl.model.task import Routed, Task, TaskBody, TaskState
from agentctl.store import Store, Table, Txn, idempotency, journal, tasks

THREADS = (1, 16, 64)
BLOCK_BYTES = 4096

Work = Callable[[Txn], None]


def fdatasync_rate(directory: Path, *, seconds: float) -> float:
    """Return how often per second one block can be made durable, one after the other."""
    file = os.open(directory / "floor", os.O_RDWR | os.O_CREAT)
    try:
        os.posix_fallocate(file, 0, 1 << 20)
        block, done, end = os.urandom(BLOCK_BYTES), 0, time.monotonic() + seconds
        while time.monotonic() < end:
            os.pwrite(file, block, done * BLOCK_BYTES % (1 << 20))
            os.fdatasync(file)
            done += 1
        return done / seconds
    finally:
        os.close(file)


def record(number: int) -> Work:
    """Return a work that writes one record of 200 bytes."""
    return lambda txn: txn.put(Table.META, b"bench %020d" % number, b"x" * 200)


def submit(number: int) -> Work:
    """Return a work that writes what a submit writes."""
    task_id = f"task-{number:026d}"
    routed = Routed(
        agent="researcher",
        provider="ollama",
        boundary="private",
        rule="bulk",
        decision="dec-1",
        generation=1,
    )
    task = Task(
        id=task_id,
        state=TaskState.QUEUED,
        sensitivity="internal",
        declared=None,
        submitted_by="operator:uid:1000",
        submitted_at_s=1.8e9,
        routed=routed,
    )

    def work(txn: Txn) -> None:
        tasks.add(txn, task, TaskBody(prompt="summarise the changes " * 10))
        idempotency.remember(txn, task.submitted_by, task_id, task_id, "0" * 64)
        journal.append(txn, Entry(kind="task.submitted", who=task.submitted_by), at_s=1.8e9)

    return work


def rate(store: Store, works: Iterator[Work], *, threads: int, seconds: float) -> dict[str, float]:
    """Return acknowledged works per second, works per commit, and p50 and p99 in milliseconds."""
    waits: list[float] = []
    end = time.monotonic() + seconds
    commits = store.figures().commits

    def client() -> None:
        while (start := time.monotonic()) < end:
            store.write(next(works))
            waits.append(time.monotonic() - start)

    clients = [threading.Thread(target=client) for _ in range(threads)]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    waits.sort()
    return {
        "per_s": len(waits) / seconds,
        "per_commit": len(waits) / (store.figures().commits - commits),
        "p50_ms": waits[len(waits) // 2] * 1000,
        "p99_ms": waits[len(waits) * 99 // 100] * 1000,
    }


def measure(directory: Path, *, seconds: float) -> list[dict[str, Any]]:
    """Return a row for each kind of write and number of threads."""
    rows = []
    store = Store.open(directory / "store")
    numbers = count()
    try:
        for name, make in (("record", record), ("submit", submit)):
            for threads in THREADS:
                floor = fdatasync_rate(directory, seconds=seconds / 3)
                found = rate(store, map(make, numbers), threads=threads, seconds=seconds)
                ratio = found["per_s"] / floor
                rows.append(
                    {
                        "write": name,
                        "threads": threads,
                        **found,
                        "floor_per_s": floor,
                        "ratio": ratio,
                    }
                )
    finally:
        store.close()
    return rows


def main() -> None:
    """Print the figures as a table, or as one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--dir", type=Path, default=None, help="where to write (a real disk)")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        rows = measure(Path(directory), seconds=options.seconds)
    if options.json:
        print(json.dumps({"rows": rows}, indent=2))
        return
    print("write    threads     /s  per commit  p50 ms  p99 ms  fdatasync/s  ratio")
    for row in rows:
        print(
            "{write:8} {threads:7} {per_s:6.0f} {per_commit:11.1f} {p50_ms:7.2f} {p99_ms:7.2f}"
            " {floor_per_s:12.0f} {ratio:6.2f}".format(**row)
        )


if __name__ == "__main__":
    main()
