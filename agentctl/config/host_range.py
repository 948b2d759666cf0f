"""Ansible's host ranges in an inventory: `web[01:10]`, `db-[a:f]`, `node[0:10:2]`, several in one name.

Source: ansible-core, plugins/inventory: expand_hostname_range. What it takes for no hosts at all, or
for something that nobody means (`[abc:f]`, a begin above its end), is refused here with the reason.
"""

import re
import string
from collections.abc import Sequence
from itertools import islice, product

HOSTS_MAX = (
    10_000  # of one inventory's ranges: no fleet has more engines, and a mistyped bound is found
)
NAME_CHARS_MAX = 63

_RANGE = re.compile(r"\[([^\[\]]*)\]")
_EXAMPLE = "write web[01:10], db-[a:f], or node[0:10:2]"


class BadRange(Exception):
    """A name whose ranges can't be read: what is wrong with it, and what to write."""

    def __init__(self, message: str, suggestion: str = _EXAMPLE) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def is_range(name: object) -> bool:
    """Whether an inventory's key is more than one plain name."""
    return isinstance(name, str) and ("[" in name or "]" in name)


def expand(name: str) -> tuple[str, ...]:
    """Return the hosts that a name with ranges stands for.

    Raises BadRange for a range that can't be read, or for more than HOSTS_MAX hosts.
    """
    parts = _RANGE.split(name)
    if any("[" in each or "]" in each for each in parts):
        raise BadRange(f"{name!r} has a bracket without its other one")
    ranges = [_words(each) for each in parts[1::2]]
    count = 1
    for each in ranges:
        count *= len(each)
    if count > HOSTS_MAX:
        raise BadRange(
            f"{name!r} names {count} hosts, more than {HOSTS_MAX}", "is a bound mistyped?"
        )
    found = tuple(_joined(parts[::2], middle) for middle in islice(product(*ranges), HOSTS_MAX))
    longest = max(found, key=len)
    if len(longest) > NAME_CHARS_MAX:
        raise BadRange(f"{name!r} gives names of more than {NAME_CHARS_MAX} characters", "")
    return found


def _joined(texts: Sequence[str], middle: Sequence[str]) -> str:
    return texts[0] + "".join(each + text for each, text in zip(middle, texts[1:], strict=True))


def _words(inside: str) -> Sequence[str]:
    """Return what one pair of brackets stands for."""
    begin, end, step = _bounds(inside)
    if not end:
        raise BadRange(f"the range [{inside}] has no end")
    if begin.isdigit() and end.isdigit():
        return _numbers(inside, begin, end, step)
    letters = string.ascii_letters
    if not (len(begin) == len(end) == 1 and begin in letters and end in letters):
        raise BadRange(
            f"the range [{inside}] goes neither from number to number nor from letter to letter"
        )
    if letters.index(begin) > letters.index(end):
        raise BadRange(f"the range [{inside}] begins above its end", f"write [{end}:{begin}]")
    return letters[letters.index(begin) : letters.index(end) + 1 : step]


def _bounds(inside: str) -> tuple[str, str, int]:
    bounds = inside.split(":")
    if len(bounds) not in (2, 3):
        raise BadRange(f"the range [{inside}] is not begin:end or begin:end:step")
    step = bounds[2] if len(bounds) == 3 else "1"
    if not (step.isascii() and step.isdigit() and len(step) < 10 and int(step)):
        raise BadRange(f"the step of the range [{inside}] is no number above 0")
    if not inside.isascii():
        raise BadRange(
            f"the range [{inside}] goes neither from number to number nor from letter to letter"
        )
    return bounds[0] or "0", bounds[1], int(step)


def _numbers(inside: str, begin: str, end: str, step: int) -> Sequence[str]:
    width = len(begin) if begin.startswith("0") and len(begin) > 1 else 0
    if width and len(end) != width:
        raise BadRange(
            f"the range [{inside}] begins with a 0, so both bounds need the same number of digits",
            f"write [{begin.zfill(len(end))}:{end.zfill(width)}]",
        )
    if max(len(begin), len(end)) > 18:
        raise BadRange(f"the bounds of the range [{inside}] are too long", "is a bound mistyped?")
    numbers = range(int(begin), int(end) + 1, step)
    if not numbers:
        raise BadRange(f"the range [{inside}] begins above its end", f"write [{end}:{begin}]")
    if len(numbers) > HOSTS_MAX:
        raise BadRange(
            f"the range [{inside}] names {len(numbers)} hosts, more than {HOSTS_MAX}",
            "is a bound mistyped?",
        )
    return [str(each).zfill(width) for each in numbers]
