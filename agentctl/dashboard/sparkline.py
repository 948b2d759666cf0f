"""The last hour's ends as bars: where each stands in a drawing of WIDTH by HEIGHT."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 240, 44
GAP = 1  # between bars
LEAST = 2  # so high is a bar of one at the least: it must be seen beside a hundred


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar's place and size, and its kind: ok (completed) or bad (ended otherwise)."""

    x: float
    y: float
    width: float
    height: float
    kind: str


def bars(minutes: Sequence[tuple[int, int]]) -> list[Bar]:
    """Return the bars of (completed, ended otherwise) by minute, oldest first; nothing for none."""
    most = max((completed + others for completed, others in minutes), default=0)
    found = []
    for at, (completed, others) in enumerate(minutes):
        bottom = float(HEIGHT)
        for number, kind in ((completed, "ok"), (others, "bad")):
            if number:
                height = max(LEAST, round(number / most * (HEIGHT - 2 * LEAST), 1))
                bottom = round(bottom - height, 1)
                found.append(_bar(at, len(minutes), bottom, height, kind))
    return found


def _bar(at: int, of: int, y: float, height: float, kind: str) -> Bar:
    step = WIDTH / of
    return Bar(round(at * step, 1), y, round(step - GAP, 1), height, kind)
