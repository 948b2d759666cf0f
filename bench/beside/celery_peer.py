"""Celery as its documentation sets it up for tasks that must not be lost: acknowledged late, results kept.

`celery_peer.py work N` runs N worker processes, `celery_peer.py drive TASKS N` submits and counts.
"""

import os
import sys

import redis  # type: ignore[import-not-found]
from celery import Celery  # type: ignore[import-not-found]

from bench.beside import drive

SOCKET = os.environ["PEER_REDIS"]
URL = f"redis+socket://{SOCKET}"

app = Celery("celery_peer", broker=URL, backend=URL)
app.conf.update(task_acks_late=True, worker_hijack_root_logger=False)


@app.task(name="work")  # type: ignore[untyped-decorator]
def work(number: int) -> str:
    """Do nothing, as the hub's simulated agents do."""
    return f"done {number}"


def main() -> None:
    if sys.argv[1] == "work":
        app.worker_main(["worker", f"--concurrency={sys.argv[2]}", "--loglevel=ERROR"])
        return
    client = redis.Redis(unix_socket_path=SOCKET)

    def results() -> int:
        return sum(1 for _ in client.scan_iter("celery-task-meta-*", count=10_000))

    print(drive.rate(work.delay, results, int(sys.argv[2]), int(sys.argv[3])))


if __name__ == "__main__":
    main()
