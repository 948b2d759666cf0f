"""When an engine that doesn't answer counts as down: not at the first miss, and not much later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FAILURES_MAX = 3  # looks in a row without an answer
SILENT_S = 10.0  # or this long since the first of them, when looks are rare


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """Looks in a row that failed, and when the first did (boot-time seconds)."""

    times: int
    since_s: float


def after_look(
    before: Mapping[str, Misses], reachable: Mapping[str, bool], *, boot_s: float
) -> dict[str, Misses]:
    """Return the misses by host after one more look; a host that answered, or is gone, has none."""
    missed = [name for name, answered in reachable.items() if not answered]
    none = Misses(times=0, since_s=boot_s)
    found = {name: before.get(name, none) for name in missed}
    return {
        name: Misses(times=each.times + 1, since_s=each.since_s) for name, each in found.items()
    }


def down(misses: Mapping[str, Misses], *, boot_s: float) -> tuple[str, ...]:
    """Return the hosts that count as down now, by name."""
    return tuple(
        sorted(
            name
            for name, each in misses.items()
            if each.times >= FAILURES_MAX or boot_s - each.since_s >= SILENT_S
        )
    )


def all_down(hosts: Sequence[str], down_now: Sequence[str]) -> bool:
    """Whether no engine is left: only that degrades the whole hub."""
    return bool(hosts) and set(hosts) <= set(down_now)
