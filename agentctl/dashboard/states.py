"""How states look: a sign and a kind each, so that no state is told by colour alone.

Kinds are the stylesheet's classes: ok, run, wait, hold, bad, off.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """A state's sign, its kind, and the word for it."""

    sign: str
    kind: str
    word: str


OF_TASKS = {
    "held": Look("◆", "hold", "held"),
    "queued": Look("○", "wait", "queued"),
    "leased": Look("◐", "run", "leased"),
    "running": Look("●", "run", "running"),
    "completed": Look("✓", "ok", "completed"),
    "failed": Look("✕", "bad", "failed"),
    "dead": Look("✕", "bad", "dead"),
    "timed_out": Look("✕", "bad", "timed out"),
    "cancelled": Look("–", "off", "cancelled"),
}
_OF_CONTAINERS = {
    "provisioning": Look("◌", "wait", "provisioning"),
    "configuring": Look("◌", "wait", "configuring"),
    "starting": Look("◌", "wait", "starting"),
    "running": Look("●", "ok", "ready"),
    "recycling": Look("◌", "off", "recycling"),
    "recycled": Look("–", "off", "recycled"),
}
_OF_ALERTS = {
    "critical": Look("▲", "bad", "critical"),
    "warning": Look("◆", "hold", "warning"),
    "resolved": Look("✓", "off", "resolved"),
}
_OF_MODES = {
    "normal": Look("✓", "ok", "normal"),
    "degraded": Look("▲", "bad", "degraded"),
    "paused": Look("◆", "hold", "paused"),
    "panic": Look("▲", "bad", "panic"),
}
_OF_ANSWERS = {"allowed": Look("✓", "ok", "allowed"), "refused": Look("✕", "bad", "refused")}

WORKING = Look("●", "run", "at work")
DRAINING = Look("◐", "off", "draining")
QUARANTINED = Look("▲", "bad", "quarantined")


def task(state: str) -> Look:
    """Return how a task's state looks."""
    return OF_TASKS.get(state) or _plain(state)


def container(state: str, *, works: bool, draining: bool) -> Look:
    """Return how a container's state looks; one that works or drains says so instead."""
    if state == "running" and draining:
        return DRAINING
    if state == "running" and works:
        return WORKING
    return _OF_CONTAINERS.get(state) or _plain(state)


def alert(severity: str, state: str) -> Look:
    """Return how an alert looks."""
    return _OF_ALERTS["resolved" if state == "resolved" else severity]


def mode(name: str) -> Look:
    """Return how a mode looks."""
    return _OF_MODES.get(name) or _plain(name)


def answer(*, allowed: bool) -> Look:
    """Return how a decision looks."""
    return _OF_ANSWERS["allowed" if allowed else "refused"]


def _plain(word: str) -> Look:
    return Look("–", "off", word)
