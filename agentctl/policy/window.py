"""When a rule with a window holds. The time is always given: nothing here reads a clock."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from agentctl.model.fleet import AccessRule, Effect, Window
from agentctl.model.week import DAYS, spoken


def untimely(rule: AccessRule, at_s: float | None) -> str:
    """Return why a rule doesn't hold at a time, "" when it does.

    A time or zone that isn't known keeps an allow from holding and never a deny.
    """
    window = rule.window
    if window is None:
        return ""
    local = None if at_s is None else _local(window, at_s)
    if local is None:
        unknown = "the time isn't known" if at_s is None else f"there is no zone {window.zone}"
        return "" if rule.effect is Effect.DENY else f"{unknown}, the rule holds {spoken(window)}"
    if is_open(window, local):
        return ""
    asked = f"{DAYS[local.weekday()]} {local:%H:%M}"
    return f"time is {asked}, the rule holds {spoken(window)}"


def holds(rule: AccessRule, at_s: float | None) -> bool:
    """Whether a rule holds at a time: what `untimely` says, without the words."""
    window = rule.window
    if window is None:
        return True
    local = None if at_s is None else _local(window, at_s)
    return rule.effect is Effect.DENY if local is None else is_open(window, local)


def is_open(window: Window, local: datetime) -> bool:
    """Whether a window is open at a time of its own zone."""
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if window.since_min < window.until_min:
        return _on(window, today) and window.since_min <= minute < window.until_min
    if minute >= window.since_min:
        return _on(window, today)
    return minute < window.until_min and _on(window, (today - 1) % 7)


def _on(window: Window, day: int) -> bool:
    return not window.days or DAYS[day] in window.days


def _local(window: Window, at_s: float) -> datetime | None:
    zone = _zone(window.zone)
    try:
        return None if zone is None else datetime.fromtimestamp(at_s, zone)
    except (OverflowError, ValueError, OSError):  # a time beyond the calendar
        return None


@lru_cache(maxsize=1024)  # there are some 600 zones
def _zone(name: str) -> tzinfo | None:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
