"""JSON that two readers can't read in two ways: RFC 8259 within the bounds of I-JSON (RFC 7493).

Refused: duplicate names, NaN and Infinity, numbers that a double can't hold, lone surrogates,
nesting deeper than 32, anything but UTF-8. The common case is one pass of the standard
library's C scanner; only what looks suspicious is walked.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from agentctl.errors import MalformedBody

DEPTH_MAX = 32  # our deepest document has 9 levels; output schemas of tasks may have more
INTEGER_MAX = 2**53 - 1  # the largest that every JSON reader keeps exact (RFC 7493 §2.2)
INTEGER_CHARS_MAX = 17  # "-9007199254740991"
NAME_CHARS_SHOWN_MAX = 60

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
    if text.count("[") + text.count("{") > DEPTH_MAX:
        _check_depth(value)
    if "\\ud" in text or "\\uD" in text:
        _check_surrogates(value)
    return value


def pointer(path: tuple[str | int, ...]) -> str:
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


def _twice(text: str) -> tuple[str | int, ...]:
    """Return where a name stands twice, () when what follows it is no JSON at all."""
    try:
        value = _PAIRS.decode(text)
    except (json.JSONDecodeError, RecursionError):
        return ()
    _check_depth(value)  # so that the search below can recurse
    return _duplicate(value, ())


def _duplicate(value: Any, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the path of the first name that stands twice, () when there is none below."""
    names: set[str] = set()
    for step, child in _steps(value):
        if isinstance(value, _Pairs) and step in names:
            return (*path, step)
        names.add(str(step))
        found = _duplicate(child, (*path, step))
        if found:
            return found
    return ()


def _steps(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield each name or index of an object or array with its value."""
    if isinstance(value, _Pairs):
        yield from value
    elif isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _check_depth(value: Any) -> None:
    level: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    for _ in range(DEPTH_MAX):
        level = [
            ((*path, step), child)
            for path, each in level
            for step, child in _steps(each)
            if isinstance(child, dict | list)  # _Pairs is a list
        ]
        if not level:
            return
    _refuse(f"the body is nested deeper than {DEPTH_MAX}", level[0][0])


def _check_surrogates(value: Any) -> None:
    todo: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while todo:
        path, each = todo.pop()
        if isinstance(each, str) and _lone(each):
            _refuse("half of a surrogate pair is no character", path)
        for step, child in _steps(each):
            if isinstance(step, str) and _lone(step):
                _refuse("half of a surrogate pair is no character, in a name", path)
            todo.append(((*path, step), child))


def _lone(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _refuse(why: str, path: tuple[str | int, ...]) -> NoReturn:
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
