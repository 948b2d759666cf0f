"""Keeps each result until the hub has answered for it: in memory, and as a file for whoever comes after.

The file is evidence: a container that died with an unsent result leaves it in
its workspace. It is never sent by a later instance, whose lease it isn't.
"""

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from agentd import log, report
from agentd.backoff import Backoff
from agentd.hub_errors import HubAway, HubRefused
from agentd.strict_json import dumps

DIRECTORY = Path(".agentctl") / "spool"
KEPT_MAX = 16  # files of earlier instances; older ones go
_MALFORMED = frozenset({400, 413, 422})  # the hub can't read it: say so in words that it can
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")

Hold = tuple[str, int]


class Sender(Protocol):
    """What sends a message to the hub."""

    def send(self, message: dict[str, Any]) -> dict[str, Any]: ...


class Spool:
    """Results on their way; one thread sends them, oldest first, under the same id until answered."""

    def __init__(
        self,
        hub: Sender,
        directory: Path,
        *,
        settled: Callable[[Hold, list[Any]], None],
    ) -> None:
        """`settled` is told of each attempt that is over, and what came with the answer to its result."""
        self._hub = hub
        self._directory = directory
        self._settled = settled
        self._changed = threading.Condition()
        self._waiting: dict[Hold, dict[str, Any]] = {}
        self._wake = threading.Event()

    def put(self, message: dict[str, Any]) -> None:
        """Keep a result and have it sent; never fails: a full disk costs only the file."""
        hold = (message["task"], message["attempt"])
        try:
            _write(self._directory / _name(hold), dumps(message))
        except OSError as cause:
            log.warning("spool.no_file", task=hold[0], why=cause.strerror or "")
        with self._changed:
            self._waiting[hold] = message
            self._changed.notify_all()

    def drop(self, hold: Hold) -> bool:
        """Forget a result that no longer counts; False when there is none."""
        with self._changed:
            there = self._waiting.pop(hold, None) is not None
        self._wake.set()
        self._remove_file(hold)
        return there

    def send_forever(self) -> None:
        """Send what comes; with the hub away, ask again for as long as this process lives."""
        backoff = Backoff()
        while True:
            hold, message = self._next()
            answer: dict[str, Any] = {}
            try:
                answer = self._hub.send(message)
            except HubAway as away:
                self._wake.clear()
                self._wake.wait(backoff.failed(retry_after_s=away.retry_after_s))
                continue
            except HubRefused as refused:
                log.warning(
                    "result.refused", task=hold[0], status=refused.status, why=refused.detail
                )
                if refused.status in _MALFORMED and self._replace(hold, message, refused):
                    continue
            else:
                log.info("result.settled", task=hold[0], attempt=hold[1], type=message["type"])
            backoff.succeeded()
            brought = answer.get("messages")
            if self.drop(hold) or brought:
                self._settled(hold, brought if isinstance(brought, list) else [])

    def _next(self) -> tuple[Hold, dict[str, Any]]:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._waiting))
            return next(iter(self._waiting.items()))

    def _replace(self, hold: Hold, message: dict[str, Any], refused: HubRefused) -> bool:
        instead = report.refused_result(hold, refused.detail)
        if message["id"] == instead["id"]:
            return False  # that was the replacement
        with self._changed:
            if hold in self._waiting:
                self._waiting[hold] = instead
        return True

    def _remove_file(self, hold: Hold) -> None:
        try:
            (self._directory / _name(hold)).unlink(missing_ok=True)
        except OSError as cause:
            log.warning("spool.file_left", task=hold[0], why=cause.strerror or "")


def tidy(directory: Path) -> int:
    """Remove all but the newest files of earlier instances; return how many are left."""
    try:
        left = sorted(directory.iterdir(), key=lambda each: each.lstat().st_mtime, reverse=True)
        for each in left[KEPT_MAX:]:
            each.unlink()
    except OSError:
        return 0
    return len(left[:KEPT_MAX])


def _name(hold: Hold) -> str:
    return _NOT_IN_A_NAME.sub("_", f"{hold[0]}.{hold[1]}.json")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
