"""The threads that answer requests, fed by a queue that hands over without a lock of Python's own."""

import logging
import threading
import time
from queue import Empty, SimpleQueue
from typing import Protocol

log = logging.getLogger("agentctl.web")


class Work(Protocol):
    """A connection with a request to answer, as waitress has it."""

    def service(self) -> None: ...

    def cancel(self) -> None: ...


class Workers:
    """A fixed number of threads; what finds none free waits in the queue. waitress's task dispatcher."""

    def __init__(self, count: int, *, name: str) -> None:
        self._queue: SimpleQueue[Work | None] = SimpleQueue()
        self.threads = [
            threading.Thread(target=self._serve, name=f"{name}-{at}", daemon=True)
            for at in range(count)
        ]
        for each in self.threads:
            each.start()

    def add_task(self, task: Work) -> None:
        """Have a request answered."""
        self._queue.put(task)

    def shutdown(self, *, timeout_s: float) -> bool:
        """End the threads once they are done with what they do; return whether all have ended in time.

        What nobody has begun by then is cancelled.
        """
        for _ in self.threads:
            self._queue.put(None)
        deadline = time.monotonic() + timeout_s
        for each in self.threads:
            each.join(max(0.0, deadline - time.monotonic()))
        self._cancel()
        self.threads = [each for each in self.threads if each.is_alive()]
        return not self.threads

    def _cancel(self) -> None:
        left = []
        while True:
            try:
                left.append(self._queue.get_nowait())
            except Empty:
                break
        for each in left:
            if each is None:
                self._queue.put(None)  # for a thread that is late
            else:
                each.cancel()

    def _serve(self) -> None:
        while (task := self._queue.get()) is not None:
            try:
                task.service()
            except BaseException:  # the next request must find this thread
                log.exception("a request's answer failed beyond its own net")
            del task  # a waiting thread must not keep a connection alive
