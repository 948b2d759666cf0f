"""Alerts on their way to the sinks: a thread and a bounded queue for each, so that none waits for another."""

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from agentctl.audit import sinks
from agentctl.audit.sinks import Resolve, SinkFailed
from agentctl.model.fleet import Sink

log = logging.getLogger(__name__)

TRIES_APART_S = (1.0, 5.0, 15.0)  # then it is given up, and said so; the hub keeps the alert
QUEUE_MAX = 200  # alerts that one sink may lag behind; the hub gives the rest again

Row = Mapping[str, Any]
Tell = Callable[[Sink, Mapping[str, Any]], None]


class _Teller(threading.Thread):
    """Tells one sink of alerts, in order. A daemon: a hanging webhook doesn't hold up the end."""

    def __init__(self, sink: Sink, tell: Tell, tries_apart_s: Sequence[float]) -> None:
        super().__init__(name=f"tell-{sink.kind}", daemon=True)
        self._sink = sink
        self._tell = tell
        self._tries_apart_s = tries_apart_s
        self._queue: queue.Queue[tuple[int, Mapping[str, Any]] | None] = queue.Queue(QUEUE_MAX)
        self._stop = threading.Event()
        self.handled = 0

    @property
    def room(self) -> bool:
        return not self._queue.full()

    def put(self, seq: int, document: Mapping[str, Any]) -> None:
        """Queue an alert; one too many is dropped, and said so."""
        try:
            self._queue.put_nowait((seq, document))
        except queue.Full:
            log.warning("%s lags behind: an alert is dropped", sinks.named(self._sink))

    def end(self) -> None:
        """Tell nothing more."""
        self._stop.set()
        with suppress(queue.Full):  # then it sees `_stop` before it takes the next
            self._queue.put_nowait(None)

    def run(self) -> None:
        while (item := self._queue.get()) is not None and not self._stop.is_set():
            seq, document = item
            self._try(document)
            self.handled = max(self.handled, seq)

    def _try(self, document: Mapping[str, Any]) -> None:
        for apart_s in (*self._tries_apart_s, None):
            try:
                self._tell(self._sink, document)
                return
            except SinkFailed as why:
                trouble = str(why)
            except Exception as why:
                log.exception("a sink failed in a way nobody foresaw")
                trouble = type(why).__name__
            if apart_s is None or self._stop.wait(apart_s):
                break
        log.warning("%s was not told: %s", sinks.named(self._sink), trouble)


class Telling:
    """The sinks of the applied generation. `told` is the last alert that all of them were told of."""

    def __init__(
        self,
        *,
        resolve: Resolve,
        tell: Tell | None = None,
        tries_apart_s: Sequence[float] = TRIES_APART_S,
    ) -> None:
        self._tell: Tell = tell or (
            lambda sink, document: sinks.tell(sink, document, resolve=resolve)
        )
        self._tries_apart_s = tries_apart_s
        self._lock = threading.Lock()
        self._sinks: tuple[Sink, ...] | None = None  # before the first generation nobody is told
        self._tellers: list[_Teller] = []
        self._fleet = ""
        self._installation = ""
        self._taken = 0  # the newest alert that was queued for all

    def use(self, declared: tuple[Sink, ...], *, fleet: str, installation: str) -> None:
        """Tell these sinks from now on; what the old ones hadn't been told goes to the new ones."""
        with self._lock:
            self._fleet, self._installation = fleet, installation
            if declared == self._sinks:
                return
            told = self._told()
            for each in self._tellers:
                each.end()
            self._sinks = declared
            self._tellers = [_Teller(each, self._tell, self._tries_apart_s) for each in declared]
            for each in self._tellers:
                each.handled = told
                each.start()
            self._taken = told

    @property
    def told(self) -> int:
        """The seq up to which every sink was told, or given up on."""
        with self._lock:
            return self._told()

    def tell(self, rows: Iterable[Row]) -> None:
        """Queue alerts that are newer than those queued before, while every sink has room."""
        with self._lock:
            for row in rows if self._sinks is not None else ():
                if row["seq"] <= self._taken:
                    continue
                if not all(each.room for each in self._tellers):
                    return  # the hub gives it again
                self._put(row)
                self._taken = row["seq"]

    def tell_apart(self, row: Row) -> None:
        """Queue an alert that isn't the hub's, and has no place in its order."""
        with self._lock:
            self._put({**row, "seq": 0})

    def close(self) -> None:
        with self._lock:
            for each in self._tellers:
                each.end()

    def _put(self, row: Row) -> None:
        document = sinks.document(row, fleet=self._fleet, installation=self._installation)
        for each in self._tellers:
            each.put(row["seq"], document)

    def _told(self) -> int:
        return min((each.handled for each in self._tellers), default=self._taken)
