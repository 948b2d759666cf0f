"""Times on the command line: `90`, `90s`, `5m`, `2h`, `30d` in; `12s`, `3m`, `5d` out."""

import re
import time
from datetime import datetime
from typing import Any

import click

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)")


class Duration(click.ParamType[float]):
    """A duration in seconds, with an optional unit."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, int | float):
            return float(value)
        form = _FORM.fullmatch(str(value))
        if form is None:
            self.fail(f"{value!r} is no duration: write 90s, 5m, 2h or 30d", param, ctx)
        return float(form[1]) * _UNITS[form[2]]


class PastTime(click.ParamType[float]):
    """A moment, in seconds since the epoch: a duration ago (`2h`) or RFC 3339."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, int | float):
            return float(value)
        duration_s = _duration(str(value))
        return time.time() - duration_s if duration_s is not None else _moment(self, value)


class Deadline(click.ParamType[tuple[str, float]]):
    """A moment to come, as the API has it: ("deadline_in_s", 7200.0) or ("deadline_s", epoch).

    A duration is sent as one: the same words with the same idempotency key are the same request.
    """

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, float]:
        duration_s = _duration(str(value))
        if duration_s is not None:
            return "deadline_in_s", duration_s
        return "deadline_s", _moment(self, value)


class FutureTime(click.ParamType[float]):
    """A moment to come, in seconds from now: a duration (`30d`) or RFC 3339."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        if isinstance(value, int | float):
            return float(value)
        found_s = _duration(str(value))
        left_s = found_s if found_s is not None else _moment(self, value) - time.time()
        if left_s <= 0:
            self.fail(f"{value!r} is not to come", param, ctx)
        return left_s


def _duration(text: str) -> float | None:
    form = _FORM.fullmatch(text)
    return float(form[1]) * _UNITS[form[2]] if form else None


def _moment(kind: "click.ParamType[Any]", text: str) -> float:
    """Return RFC 3339's moment (§5.6) in seconds since the epoch."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        form = "90s, 5m, 2h, 30d, or a moment with its offset: 2031-05-01T12:00:00Z"
        kind.fail(f"{text!r} is no time: write {form}")
    return at.timestamp()


def spoken(duration_s: float | None) -> str:
    """Return a duration as people say it, in one unit; "-" for none."""
    if duration_s is None:
        return "-"
    if duration_s < 10:
        return f"{max(duration_s, 0):.1f}s"
    for unit, factor, up_to in (("s", 1, 120), ("m", 60, 7200), ("h", 3600, 172_800)):
        if duration_s < up_to:
            return f"{duration_s / factor:.0f}{unit}"
    return f"{duration_s / 86400:.0f}d"


def ago(at_s: float | None, *, now_s: float) -> str:
    """Return how long ago a wall-clock time was; "-" for never."""
    return "-" if not at_s else spoken(now_s - at_s)
