"""What a container said is kept before it goes: the last of its log, in the state directory."""

import contextlib
import logging
import re
from pathlib import Path

from agentctl.engine import Engine
from agentctl.errors import AgentctlError
from agentctl.model.plan import Remove, Stop

log = logging.getLogger(__name__)

TAIL_LINES = 500
LOG_BYTES_MAX = 1024 * 1024  # of one container: what it says is an agent's to choose
FILES_MAX = 1000  # kept in all, the oldest go first: somebody looks within days, or never
BYTES_MAX = 128 * 1024 * 1024
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


class Evidence:
    """Keeps the logs of condemned or halted containers as files (0600) in `directory`, bounded."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, change: Remove | Stop, engine: Engine) -> None:
        """Write the container's last lines. That none can be had is said, and doesn't spare it."""
        self.keep_log(change.host, change.agent, change.container, engine)

    def keep_log(self, host: str, agent: str, container: str, engine: Engine) -> None:
        """Write the last lines of a container; that none can be had is said, and stops nothing."""
        name = _NOT_IN_A_NAME.sub("_", f"{host}-{agent}-{container}")[:200]
        try:
            said = engine.logs(container, TAIL_LINES)
        except AgentctlError as why:
            log.warning("no log of %s to keep: %s", container, why)
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._directory / f"{name}.log"
        path.touch(mode=0o600)
        path.write_bytes(said.encode("utf-8", "replace")[-LOG_BYTES_MAX:])
        log.info("kept what %s said in %s", container, path)
        self._bound(path)

    def _bound(self, newest: Path) -> None:
        """Remove the oldest files beyond the bounds; the newest stays."""
        aged = []
        for each in self._directory.glob("*.log"):
            with contextlib.suppress(OSError):  # several hosts' threads keep evidence at once
                about = each.stat()
                aged.append((about.st_mtime_ns, about.st_size, each))
        files = bytes_ = 0
        for _, size, each in sorted(aged, reverse=True):
            files, bytes_ = files + 1, bytes_ + size
            if (files > FILES_MAX or bytes_ > BYTES_MAX) and each != newest:
                each.unlink(missing_ok=True)
