"""Places where a test may make this process die, fail or dawdle: before and after each commit and effect.

`AGENTCTL_FAILPOINTS` arms them, as in `store.commit.after=kill@3,service.submit.before=delay:0.2`:
a name, an action (`kill`, `error`, `delay:SECONDS`), and optionally the one hit it is for,
counted from 1. The variable is read once, at the start, and only by a process that runs from a
checkout: an installed agentctl ignores it, and `serve` doesn't pass it on to its processes.
Unarmed, a failpoint costs one look at an empty dictionary.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agentctl.errors import ConfigError, Unavailable

VARIABLE = "AGENTCTL_FAILPOINTS"
DELAY_S_MAX = 60.0  # longer is a hang: a test's own timeout would say less than this refusal

# Every failpoint there is; arming another is a mistake in the test.
NAMES = frozenset(
    {
        "store.commit.before",  # the group's works have run, nothing is durable
        "store.commit.after",  # all is durable, nobody has been told
        "service.submit.before",
        "service.submit.after",
        "service.lease.before",
        "service.lease.after",
        "service.settle.before",
        "service.settle.after",
        "execute.reserve.after",  # the intent is recorded, the engine wasn't asked
        "execute.create.after",  # the container is there, the hub doesn't know its id
        "execute.bind.after",  # the token is minted, the boot document isn't handed over
        "execute.start.after",
        "execute.remove.before",
        "execute.remove.after",  # the container is gone, the hub doesn't know
    }
)


class Injected(Unavailable):
    """The error that a failpoint raises: to its caller, something that may work when tried again."""


@dataclass(slots=True)
class _Point:
    action: str
    delay_s: float = 0.0
    only: int | None = None
    hits: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self) -> bool:
        with self.lock:
            self.hits += 1
            return self.only is None or self.hits == self.only


_armed: dict[str, _Point] = {}


def hit(name: str) -> None:
    """Do what is armed under `name`: nothing, nearly always."""
    if _armed and (point := _armed.get(name)) is not None and point.due():
        _act(name, point)


def _act(name: str, point: _Point) -> None:
    if point.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if point.action == "error":
        raise Injected(f"failpoint {name}", retry_after_s=0.1)
    time.sleep(point.delay_s)


def parse(text: str) -> dict[str, _Point]:
    """Return the failpoints of `NAME=ACTION[@HIT],…`; raises ConfigError for what isn't of that form."""
    return dict(_parsed(each.strip()) for each in text.split(",") if each.strip())


def _parsed(text: str) -> tuple[str, _Point]:
    name, _, rest = text.partition("=")
    rest, _, only = rest.partition("@")
    action, _, seconds = rest.partition(":")
    try:
        point = _Point(action, float(seconds or 0.0), int(only) if only else None)
    except ValueError as cause:
        raise ConfigError(f"{VARIABLE}: {text!r} has no such number") from cause
    if name not in NAMES or action not in ("kill", "error", "delay"):
        raise ConfigError(
            f"{VARIABLE}: {text!r} names no failpoint or action", hint=f"one of {sorted(NAMES)}"
        )
    if not 0.0 <= point.delay_s <= DELAY_S_MAX:
        raise ConfigError(f"{VARIABLE}: {text!r} waits longer than {DELAY_S_MAX:g} s")
    return name, point


@contextmanager
def armed(text: str) -> Iterator[None]:
    """Arm failpoints in this very process for the time of the block: for tests."""
    before = dict(_armed)
    _armed.update(parse(text))
    try:
        yield
    finally:
        _armed.clear()
        _armed.update(before)


def from_environment(environ: Mapping[str, str], package: Path) -> dict[str, _Point]:
    """Return what the environment arms; nothing unless `package` lies in a checkout."""
    text = environ.get(VARIABLE, "")
    if not text or not (package.parent / "pyproject.toml").is_file():
        return {}
    return parse(text)


_armed.update(from_environment(os.environ, Path(__file__).parent))
