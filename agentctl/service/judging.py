"""Where schemas of others are judged: here when that can't take long, else in a process with bounds.

Source: docs/decisions/0036-schemas-of-others.md.
"""

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentctl.errors import Throttled, Unavailable
from agentctl.service import schema_judge

# What makes the work more than the schema's size times the value's: what is unfolded again and
# again, what is compiled to something larger, what judges its neighbours once more.
COSTLY = frozenset(
    {
        "$ref",
        "$dynamicRef",
        "$recursiveRef",
        "format",
        "pattern",
        "patternProperties",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
# Bytes of a schema times bytes of a value: some 30 ms, in which nothing else in the hub runs.
PRODUCT_MAX = 2_000_000
WALL_S_MAX = 10.0  # of a process that may have to wait for a core
AT_ONCE_MAX = 2  # processes for agents, and as many for operators
WAIT_S_MAX = 5.0  # for one of them
RETRY_AFTER_S = 2.0
OPERATORS = ""  # who isn't an agent
TOO_LONG = f"takes more than {schema_judge.CPU_S_MAX} s to judge, or more memory than it may"


class Judges:
    """Processes that may judge at once: an agent has one, so that none takes all."""

    def __init__(self) -> None:
        self._agents = threading.BoundedSemaphore(AT_ONCE_MAX)
        self._operators = threading.BoundedSemaphore(AT_ONCE_MAX)
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def place(self, asker: str) -> Iterator[None]:
        """Hold a place. Raises Throttled (this agent has one already), Unavailable."""
        with self._alone(asker), self._one_of(self._agents if asker else self._operators):
            yield

    @contextmanager
    def _alone(self, asker: str) -> Iterator[None]:
        with self._lock:
            if asker in self._busy:
                raise Throttled(f"a schema of {asker} is being judged", retry_after_s=RETRY_AFTER_S)
            self._busy |= {asker} - {OPERATORS}
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard(asker)

    @contextmanager
    def _one_of(self, places: threading.BoundedSemaphore) -> Iterator[None]:
        if not places.acquire(timeout=WAIT_S_MAX):
            raise Unavailable("too many schemas are being judged", retry_after_s=RETRY_AFTER_S)
        try:
            yield
        finally:
            places.release()


class Known(OrderedDict[str, str]):
    """Verdicts on schemas by digest: the newest `most`; a team submits the same one all day."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._lock = threading.Lock()

    def find(self, digest: str) -> str | None:
        with self._lock:
            return self.get(digest)

    def keep(self, digest: str, verdict: str) -> None:
        with self._lock:
            self[digest] = verdict
            while len(self) > self._most:
                self.popitem(last=False)


_judges = Judges()


def judged(schema: dict[str, Any], *values: Any, asker: str) -> str:
    """Return what schema_judge.judge says, or that it takes too long. Raises Throttled, Unavailable."""
    asked = json.dumps({"schema": schema, "values": values})
    size = len(json.dumps(schema))
    if size * max(len(asked) - size, 1) <= PRODUCT_MAX and not costly(schema):
        return schema_judge.judge(schema, *values)
    with _judges.place(asker):
        return _in_a_process(asked)


def costly(schema: Any) -> bool:
    """Whether a schema names anything that costs more than its size; names of properties count, too."""
    todo = [schema]
    while todo:
        each = todo.pop()
        if isinstance(each, dict):
            if not COSTLY.isdisjoint(each):
                return True
            todo += each.values()
        elif isinstance(each, list):
            todo += each
    return False


def _in_a_process(asked: str) -> str:
    try:
        child = subprocess.run(
            [sys.executable, "-I", schema_judge.__file__, str(schema_judge.CPU_S_MAX)],
            input=asked.encode(),
            env={},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WALL_S_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return TOO_LONG
    if child.returncode != 0:
        return TOO_LONG  # the kernel ended it, at a bound
    verdict = json.loads(child.stdout)
    assert isinstance(verdict, str)
    return verdict
