"""Panic at the engines: every running container of ours is killed, none removed, its last words kept.

Source: docs/decisions/0012-modes-and-alerts.md.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from agentctl.engine import Engine
from agentctl.errors import AgentctlError
from agentctl.loops.hub_side import WORDS_MAX
from agentctl.loops.report import StepState
from agentctl.model.instance import Container, ContainerState, ObservedState

log = logging.getLogger(__name__)

AT_ONCE = 8  # an engine stops containers no faster with more
CAUSE = "panic: everything is stopped"

KeepLog = Callable[[str, str, str, Engine], None]


def running(observed: ObservedState, *, installation: str) -> tuple[Container, ...]:
    """Return every running container of this installation, declared or not, recorded or not."""
    return tuple(
        each
        for host in observed.hosts
        for each in host.containers
        if each.installation == installation and each.state is ContainerState.RUNNING
    )


class Halt:
    """Kills containers without grace; `keep_log` is called with host, agent, container and engine."""

    def __init__(self, *, engine_of: Callable[[str], Engine], keep_log: KeepLog) -> None:
        self._engine_of = engine_of
        self._keep_log = keep_log

    def kill(self, containers: tuple[Container, ...]) -> list[dict[str, Any]]:
        """Kill them, several at once; return a row of the pass for each. One that fails stops no other."""
        if not containers:
            return []
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="halt") as pool:
            return list(pool.map(self._row, containers))

    def _row(self, container: Container) -> dict[str, Any]:
        error = self._kill(container)
        return {
            "verb": "stop",
            "host": container.host,
            "agent": container.agent,
            "replica": max(container.replica, 0),
            "causes": [CAUSE],
            "state": (StepState.FAILED if error else StepState.DONE).value,
            "error": error[:WORDS_MAX],
        }

    def _kill(self, container: Container) -> str:
        try:
            engine = self._engine_of(container.host)
            engine.stop(container.id, 0.0)
        except AgentctlError as why:
            log.error("cannot kill %s: %s", container.name, why)
            return str(why)
        except Exception as why:  # one container's bug must not let the others run on
            log.exception("cannot kill %s", container.name)
            return f"{type(why).__name__}: {why}"
        log.warning("killed %s", container.name)
        self._keep_log(container.host, container.agent, container.id, engine)
        return ""
