"""JSON that two readers can't read in two ways: RFC 8259 within the bounds of I-JSON (RFC 7493).

Refused: duplicate names, NaN and Infinity, numbers that a double can't hold, lone surrogates,
nesting deeper than 32, anything but UTF-8. The common case is one pass of the standard
library's C scanner; only what looks suspicious is walked.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from agentctl.errors import MalformedBody

DEPTH_MAX = 32  # our deepest document has 9 levels; output schemas of tasks may have more
INTEGER_MAX = 2**53 - 1  # the largest that every JSON reader keeps exact (RFC 7493 §2.2)
INTEGER_CHARS_MAX = 17  # "-9007199254740991"
NAME_CHARS_SHOWN_MAX = 60

Path = tuple[str | int, ...]

_CONTAINERS = (dict, list)
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_NO_BRACKET = re.compile(r"[^\[\]{}]+")
_HINT = "send one JSON document in UTF-8"


class _Duplicate(Exception):
    """A name stands twice in one object."""


class _Pairs(list[tuple[str, Any]]):
    """An object as its pairs, to find where a name stands twice."""


def loads(raw: bytes) -> Any:
    """Return the value of a JSON document; raises MalformedBody, with a JSON pointer where there is one."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as cause:
        raise MalformedBody(f"the body is not UTF-8 at byte {cause.start}", hint=_HINT) from None
    value = _parse(text)
    if _is_deep(text):
        _check_depth(value)
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(value)
    return value


def _is_deep(text: str) -> bool:
    """Whether a JSON document is nested deeper than DEPTH_MAX: its brackets alone, pairs taken out in rounds.

    All of it runs in C: a body may hold a hundred thousand of them.
    """
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return False
    left = _NO_BRACKET.sub("", _STRING.sub("", text)).replace("{", "[").replace("}", "]")
    for _ in range(DEPTH_MAX):
        left = left.replace("[]", "")
        if not left:
            return False
    return True


def pointer(path: Path) -> str:
    """Return a JSON pointer (RFC 6901): ("a/b", 0) → `/a~1b/0`."""
    return "".join(f"/{str(each).replace('~', '~0').replace('/', '~1')}" for each in path)


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except _Duplicate:
        _refuse("a name stands twice in one object", _twice(text))
    except json.JSONDecodeError as cause:
        raise MalformedBody(
            f"the body is not JSON: {cause.msg} at line {cause.lineno} column {cause.colno}",
            hint=_HINT,
        ) from None
    except RecursionError:
        _refuse(f"the body is nested deeper than {DEPTH_MAX}", ())


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Duplicate
    return found


def _constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is no JSON number", hint="leave the field out, or send null")


def _integer(text: str) -> int:
    if len(text) > INTEGER_CHARS_MAX or abs(number := int(text)) > INTEGER_MAX:
        raise MalformedBody("an integer is beyond what JSON readers keep exact (2^53 - 1)")
    return number


def _float(text: str) -> int | float:
    """Return a number that has a point or an exponent; a whole one is an integer, as in JSON Schema.

    However it is written: RFC 8785 §3.2.2.3 writes 1.0 as 1.
    """
    number = float(text)
    if math.isinf(number):
        raise MalformedBody("a number is beyond what a double holds")
    return int(number) if number.is_integer() and abs(number) <= INTEGER_MAX else number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_float,
)
_PAIRS = json.JSONDecoder(
    object_pairs_hook=_Pairs,
    parse_constant=_constant,
    parse_int=_integer,
    parse_float=_float,
)


def _twice(text: str) -> Path:
    """Return where a name stands twice, () when what follows it is no JSON at all."""
    try:
        value = _PAIRS.decode(text)
    except (json.JSONDecodeError, RecursionError):
        return ()
    if _is_deep(text):
        _check_depth(value)  # so that the search below can recurse
    return _duplicate(value) or ()


def _duplicate(value: Any) -> Path | None:
    """Return the path of the first name that stands twice, None when there is none below."""
    names: set[str] = set()
    for step, child in _steps(value):
        if isinstance(value, _Pairs):
            if step in names:
                return (step,)
            names.add(str(step))
        found = _duplicate(child)
        if found is not None:
            return (step, *found)
    return None


def _steps(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield each name or index of an object or array with its value."""
    if isinstance(value, _Pairs):
        yield from value
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _check_depth(value: Any) -> None:
    """Walk containers level by level; each is noted with its parent's place in the level above.

    No path is written down on the way: a body has a hundred thousand places.
    """
    above: list[list[tuple[int, Any]]] = [[(0, value)]]
    for _ in range(DEPTH_MAX):
        below = [
            (at, child)
            for at, (_, each) in enumerate(above[-1])
            for child in _children(each)
            if isinstance(child, _CONTAINERS)
        ]
        if not below:
            return
        above.append(below)
    _refuse(f"the body is nested deeper than {DEPTH_MAX}", _way_to(above))


def _way_to(levels: list[list[tuple[int, Any]]]) -> Path:
    """Return the path of the first container of the deepest level."""
    steps: list[str | int] = []
    at = 0
    for upper, lower in zip(levels[-2::-1], levels[:0:-1], strict=True):
        parent, child = lower[at]
        steps.append(next(step for step, each in _steps(upper[parent][1]) if each is child))
        at = parent
    return tuple(reversed(steps))


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, _Pairs):
        return [child for _, child in value]
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()  # one pass in C; nearly always it is whole
    except UnicodeEncodeError:
        where, why = _half(value) or ((), "")
        _refuse(f"half of a surrogate pair is no character{why}", where)


def _half(value: Any) -> tuple[Path, str] | None:
    """Return where half of a surrogate pair stands, and what else to say of it; None when nowhere."""
    if isinstance(value, str):
        return ((), "") if _lone(value) else None
    for step, child in _steps(value):
        if isinstance(step, str) and _lone(step):
            return (), ", in a name"
        found = _half(child)
        if found is not None:
            return (step, *found[0]), found[1]
    return None


def _lone(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _refuse(why: str, path: Path) -> NoReturn:
    shown = pointer(tuple(_shown(step) for step in path))
    raise MalformedBody(
        f"{why}, at {shown}" if path else why, fields=[(shown, why)] if path else (), hint=_HINT
    )


def _shown(step: str | int) -> str | int:
    """Return a step short and free of lone surrogates, fit for an answer."""
    if isinstance(step, int):
        return step
    clean = step.encode("utf-8", "replace").decode()
    return clean if len(clean) <= NAME_CHARS_SHOWN_MAX else f"{clean[:NAME_CHARS_SHOWN_MAX]}…"
