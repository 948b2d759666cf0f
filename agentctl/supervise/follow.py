"""Apply the project's files whenever they change and are valid; broken ones are said once."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agentctl.errors import AgentctlError, Unavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
SETTLED_S = 0.5  # files that are saved together are applied together
FILES_MAX = 10_000  # beyond that this isn't a project's directory but somebody's home
_PLACES = ("inventory.yaml", "playbooks", "policies", "schemas/messages", "group_vars", "host_vars")

Fingerprint = str


class Follow:
    """Watches `project`; `apply` is called with each new content of its files, until it took it.

    `apply` raises Unavailable (the hub is away: tried again), or another AgentctlError
    (the files are broken or refused: said once, and not tried again before they change).
    `tell` is called with why they aren't applied, with "" once they are.
    """

    def __init__(
        self,
        project: Path,
        *,
        apply: Callable[[], str],
        tell: Callable[[str], None] = lambda _why: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._project = project
        self._apply = apply
        self._tell = tell
        self._pause = pause
        self._asked = threading.Event()
        self._done: Fingerprint = ""
        self._away = False

    def run(self, stop: threading.Event) -> None:
        """Look every two seconds until `stop` is set."""
        while not stop.is_set():
            self.look()
            if self._asked.wait(LOOK_EVERY_S):
                self._asked.clear()
                self._done = ""

    def again(self) -> None:
        """Have the files read and applied now, changed or not; from a signal's handler too."""
        self._asked.set()

    def look(self) -> None:
        """Apply the files if they differ from what was applied or refused last, once they have settled."""
        now = fingerprint(self._project)
        if now == self._done:
            return
        self._pause(SETTLED_S)
        if fingerprint(self._project) != now:
            return  # somebody is still writing: the next look sees what it comes to
        try:
            said = self._apply()
        except Unavailable as why:
            if not self._away:
                log.warning("cannot apply now: %s", why)
            self._away = True
            return
        except AgentctlError as why:
            log.error("the files are not applied: %s", why)
            self._tell(str(why))
        else:
            log.info("%s", said)
            self._tell("")
        self._away = False
        self._done = now


def fingerprint(project: Path) -> Fingerprint:
    """Return a digest over the names and contents of the files that a project is made of."""
    total = hashlib.sha256()
    for path in sorted(_files(project))[:FILES_MAX]:
        try:
            content = path.read_bytes()
        except OSError:
            continue  # gone between listing and reading: the next look sees what is there
        total.update(f"{path.relative_to(project)}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _files(project: Path) -> list[Path]:
    found = []
    for place in _PLACES:
        at = project / place
        found += [at] if at.is_file() else [each for each in at.rglob("*") if each.is_file()]
    return found
