"""Apply the project's files whenever they change and are valid; broken ones are said once."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from agentctl.config.fingerprint import files_of
from agentctl.errors import AgentctlError, Unavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
TELL_EVERY_S = 5.0  # while files are broken: a hub that restarted meanwhile knows nothing of it
SETTLED_S = 0.5  # files that are saved together are applied together
FILES_MAX = 10_000  # beyond that this isn't a project's directory but somebody's home

Fingerprint = str


def nobody(_why: str, _since_s: float) -> bool:
    """Tell nobody."""
    return True


class Follow:
    """Watches `project`; `apply` is called with each new content of its files, until it took it.

    `apply` raises Unavailable (the hub is away: tried again), or another AgentctlError
    (the files are broken or refused: said once, and not tried again before they change).
    `tell` is called with why they aren't applied and since when (wall clock), with "" once they
    are; it returns whether that was heard. Broken files are told again and again: the hub
    keeps it in memory. `others` are files that the last load read outside the usual places.
    """

    def __init__(
        self,
        project: Path,
        *,
        apply: Callable[[], str],
        tell: Callable[[str, float], bool] = nobody,
        others: Callable[[], Iterable[str]] = tuple,
        pause: Callable[[float], None] = time.sleep,
        now_s: Callable[[], float] = time.monotonic,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self._project = project
        self._apply = apply
        self._tell = tell
        self._others = others
        self._pause = pause
        self._now_s = now_s
        self._wall_s = wall_s
        self._asked = threading.Event()
        self._done: Fingerprint = ""
        self._away = False
        self._broken = ""
        self._said = ""  # why the files aren't applied, as the log has it since somebody asked
        self._since_s = 0.0
        self._tell_at_s: float | None = None  # when to tell next; None: all is told

    def run(self, stop: threading.Event) -> None:
        """Look every two seconds until `stop` is set."""
        while not stop.is_set():
            self.look()
            if self._asked.wait(LOOK_EVERY_S):
                self._asked.clear()
                self._done = self._said = ""

    def again(self) -> None:
        """Have the files read and applied now, changed or not; from any thread."""
        self._asked.set()

    def look(self) -> None:
        """Apply the files if they differ from what was applied or refused last, once they have settled."""
        others = tuple(self._others())
        now = fingerprint(self._project, others)
        if now != self._done:
            self._pause(SETTLED_S)
            if fingerprint(self._project, others) != now:
                return  # somebody is still writing: the next look sees what it comes to
            if not self._applied():
                return
            # Of files named only now nobody knows what they held when they were read: once more.
            self._done = now if tuple(self._others()) == others else ""
        self._tell_if_due()

    def _applied(self) -> bool:
        """Apply; return False when the hub is away, so that nothing is known yet."""
        try:
            said = self._apply()
        except Unavailable as why:
            if not self._away:
                log.warning("cannot apply now: %s", why)
            self._away = True
            return False
        except AgentctlError as why:
            if str(why) != self._said:
                log.error("the files are not applied: %s", why)
            self._said = str(why)
            self._note(str(why))
        else:
            log.info("%s", said)
            self._said = ""
            self._note("")
        self._away = False
        return True

    def _note(self, broken: str) -> None:
        if broken and not self._broken:
            self._since_s = self._wall_s()
        self._broken = broken
        self._tell_at_s = self._now_s()

    def _tell_if_due(self) -> None:
        if self._tell_at_s is None or self._now_s() < self._tell_at_s:
            return
        heard = self._tell(self._broken, self._since_s if self._broken else 0.0)
        if heard:
            self._tell_at_s = self._now_s() + TELL_EVERY_S if self._broken else None


def fingerprint(project: Path, others: Iterable[str] = ()) -> Fingerprint:
    """Return a digest over the names and contents of the files that a project is made of."""
    total = hashlib.sha256()
    for file in sorted({*files_of(project), *others})[:FILES_MAX]:
        try:
            content = (project / file).read_bytes()
        except OSError:
            continue  # gone between listing and reading: the next look sees what is there
        total.update(f"{file}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()
