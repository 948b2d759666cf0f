"""huey with its Redis storage and worker threads.

`huey_peer.py work N` runs N workers, `huey_peer.py drive TASKS N` submits and counts.
"""

import os
import sys

import redis  # type: ignore[import-not-found]
from huey import RedisHuey  # type: ignore[import-not-found]
from huey.consumer import Consumer  # type: ignore[import-not-found]

from bench.beside import drive

SOCKET = os.environ["PEER_REDIS"]
CLIENT = redis.Redis(unix_socket_path=SOCKET)

app = RedisHuey("peer", connection_pool=CLIENT.connection_pool)


@app.task(name="work")  # type: ignore[untyped-decorator]
def work(number: int) -> str:
    """Do nothing, as the hub's simulated agents do."""
    return f"done {number}"


def main() -> None:
    if sys.argv[1] == "work":
        Consumer(app, workers=int(sys.argv[2]), periodic=False, initial_delay=0.01).run()
        return
    print(drive.rate(work, app.storage.result_store_size, int(sys.argv[2]), int(sys.argv[3])))


if __name__ == "__main__":
    main()
