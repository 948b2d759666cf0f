"""What a container said is kept before it goes: the last of its log, in the state directory."""

import logging
import re
from pathlib import Path

from agentctl.engine import Engine
from agentctl.errors import AgentctlError
from agentctl.model.plan import Remove, Stop

log = logging.getLogger(__name__)

TAIL_LINES = 500
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]")


class Evidence:
    """Keeps the logs of condemned or halted containers as files (0600) in `directory`."""

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
        path.write_text(said, encoding="utf-8", errors="replace")
        log.info("kept what %s said in %s", container, path)
