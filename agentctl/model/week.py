"""The week as rules write it: days, and a window's hours in words."""

from agentctl.model.fleet import Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def spoken(window: Window) -> str:
    """Return a window as people say it: `mon, tue 08:00-18:00 Europe/Berlin`."""
    days = f"{', '.join(window.days)} " if window.days else ""
    return f"{days}{_clock(window.since_min)}-{_clock(window.until_min)} {window.zone}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
