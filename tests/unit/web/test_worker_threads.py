"""The threads that answer: each request once, none lost to another's failure, an end in time."""

import threading

from agentctl.web.workers import Workers

LONG_S = 10.0


class Task:
    def __init__(self, *, fails: bool = False, until: threading.Event | None = None) -> None:
        self.began = threading.Event()
        self.done = threading.Event()
        self.cancelled = False
        self._fails = fails
        self._until = until

    def service(self) -> None:
        self.began.set()
        if self._until is not None:
            self._until.wait(LONG_S)
        self.done.set()
        if self._fails:
            raise SystemExit("a defect")

    def cancel(self) -> None:
        self.cancelled = True


def test_a_failing_task_leaves_its_thread_for_the_next() -> None:
    workers, first, second = Workers(1, name="test"), Task(fails=True), Task()
    workers.add_task(first)
    workers.add_task(second)
    assert second.done.wait(LONG_S)
    assert workers.shutdown(timeout_s=LONG_S)


def test_a_shutdown_lets_what_has_begun_end() -> None:
    release = threading.Event()
    workers, task = Workers(1, name="test"), Task(until=release)
    workers.add_task(task)
    assert task.began.wait(LONG_S)
    threading.Timer(0.01, release.set).start()
    assert workers.shutdown(timeout_s=LONG_S)
    assert task.done.is_set()


def test_a_late_thread_is_told_of_and_what_waits_behind_it_is_cancelled() -> None:
    release = threading.Event()
    workers, late, behind = Workers(1, name="test"), Task(until=release), Task()
    workers.add_task(late)
    assert late.began.wait(LONG_S)
    thread = workers.threads[0]
    workers.add_task(behind)
    assert not workers.shutdown(timeout_s=0.0)
    assert behind.cancelled
    release.set()
    thread.join(LONG_S)
    assert not thread.is_alive()
