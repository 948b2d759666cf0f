"""Drives a task queue as bench.capacity drives the hub: submitters as fast as they can, then all results."""

import threading
import time
from collections.abc import Callable

WARM_UP = 50
WAIT_S_MAX = 300.0


def rate(
    submit: Callable[[int], object], results: Callable[[], int], tasks: int, submitters: int
) -> float:
    """Return tasks per second from the first submit to the last stored result."""
    for number in range(WARM_UP):
        submit(number)
    _until(results, WARM_UP)
    numbers, lock = iter(range(tasks)), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            submit(number)

    threads = [threading.Thread(target=work) for _ in range(submitters)]
    began = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    _until(results, WARM_UP + tasks)
    return tasks / (time.perf_counter() - began)


def _until(results: Callable[[], int], count: int) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while results() < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{results()} of {count} results")
        time.sleep(0.005)
