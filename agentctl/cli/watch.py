"""The reconciler's progress, shown action by action until a generation has converged or failed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from agentctl.cli import Settings
from agentctl.client import Hub, connect
from agentctl.errors import HubUnavailable, PartlyFailed

POLL_S = 0.3

Pass = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How watching ended. `problem` is "" when the generation converged."""

    converged: bool
    actions: tuple[Mapping[str, Any], ...]
    problem: str

    def raise_failure(self) -> None:
        """Raise PartlyFailed when it didn't converge."""
        if not self.converged:
            raise PartlyFailed(self.problem, hint="the reconciler goes on; see `agentctl status`")


class Progress:
    """Says each change of an action's state once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    def show(self, seen: Pass) -> None:
        """Print what is new in a pass."""
        for action in seen["actions"]:
            key = (action["verb"], action["host"], action["agent"], action["replica"])
            now = (action["state"], action["error"])
            if self._said.get(key) != now and action["state"] != "pending":
                self._say(_line(action))
            self._said[key] = now


def watch(
    settings: Settings,
    *,
    generation: int,
    again: bool,
    timeout_s: float,
    settled: Callable[[], bool],
    quiet: bool,
) -> Outcome:
    """Follow the passes over `generation` until it converged, failed, or `timeout_s` went by.

    `again` is that the generation was in force before: failures may then be from before what
    the operator mended, so they are shown, and waited out. `settled` is asked before a pass
    that says converged is believed, for the same reason.
    """
    hub = connect(settings)
    progress = Progress((lambda _line: None) if quiet else click.echo)
    deadline_s = time.monotonic() + timeout_s
    seen: Pass = {"generation": 0, "actions": [], "hosts": []}
    try:
        while time.monotonic() < deadline_s:
            seen = _look(hub) or seen
            if seen["generation"] >= generation:
                progress.show(seen)
                ended = verdict(seen)
                if ended is not None and (settled() if ended.converged else not again):
                    return ended
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        click.echo(f"\nGeneration {generation} is applied; the reconciler goes on.", err=True)
        raise
    return _too_late(seen, generation, timeout_s)


def _look(hub: Hub) -> Pass | None:
    try:
        return hub.get("/api/hub/plan")
    except HubUnavailable:
        return None  # it may be restarting; the generation is safe


def verdict(seen: Pass) -> Outcome | None:
    """Return how a pass ended, or None while there is something to wait for; pure.

    A failed action ends the watch when nothing else is still on its way. One that waits
    because it failed before counts as failed; one that waits for a task is waited for.
    """
    actions = tuple(seen["actions"])
    if seen["converged"]:
        return Outcome(converged=True, actions=actions, problem="")
    if any(each["state"] in ("pending", "running") for each in actions):
        return None
    failed = [each for each in actions if each["error"]]
    away = [each for each in seen["hosts"] if not each["reachable"]]
    if not failed and not away:
        return None
    first = (
        f"{_place(failed[0])}: {failed[0]['error']}"
        if failed
        else f"{away[0]['name']} is unreachable: {away[0]['error']}"
    )
    more = len(failed) + len(away) - 1
    others = f" (and {more} more)" if more else ""
    return Outcome(converged=False, actions=actions, problem=f"{first}{others}")


def _too_late(seen: Pass, generation: int, timeout_s: float) -> Outcome:
    actions = tuple(seen["actions"])
    problem = f"the reconciler has not taken up generation {generation} within {timeout_s:g} s"
    if seen["generation"] >= generation:
        left = [_line(each).strip() for each in actions if each["state"] != "done"]
        problem = f"generation {generation} has not converged within {timeout_s:g} s"
        problem = "; ".join([problem, *left[:1]])
    return Outcome(converged=False, actions=actions, problem=problem)


def _place(action: Mapping[str, Any]) -> str:
    return f"{action['verb']} {action['host']} {action['agent']}/{action['replica']}"


def _line(action: Mapping[str, Any]) -> str:
    error = f": {action['error']}" if action["error"] else ""
    waits = [each for each in action["causes"] if each.startswith("waits for ")]
    why = f" ({waits[0]})" if waits and action["state"] == "waiting" and not error else ""
    return f"  {_place(action)}: {action['state']}{why}{error}"
