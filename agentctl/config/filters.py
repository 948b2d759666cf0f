"""The filters that templates may use: few, plain, and bounded in what they make.

Jinja2's own set holds several (`center`, `indent`, `format`, `round`) that turn a short
template into gigabytes; these can't.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from jinja2.filters import do_default

TEXT_CHARS_MAX = 64 * 1024  # of one rendered value; the longest field holds 4096


class TooMuch(ValueError):
    """A template made more than any field can hold."""


def bounded(chars: int) -> None:
    """Raise TooMuch when a text of that many characters must not be made."""
    if chars > TEXT_CHARS_MAX:
        raise TooMuch(f"a template may make {TEXT_CHARS_MAX} characters at most")


def _replace(value: object, old: str, new: str) -> str:
    text, old, new = str(value), str(old), str(new)
    bounded(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def _join(value: Any, separator: str = "") -> str:
    words = [str(each) for each in value]
    bounded(sum(map(len, words)) + len(separator) * len(words))
    return separator.join(words)


def _to_int(value: Any, default: int = 0) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def _to_float(value: Any, default: float = 0.0) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _to_bool(value: Any) -> bool:
    return str(value).lower() in ("1", "true", "yes", "on")


def _unique(value: Any) -> list[Any]:
    kept: list[Any] = []
    for each in value:
        if each not in kept:
            kept.append(each)
    return kept


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": _to_bool,
    "capitalize": lambda value: str(value).capitalize(),
    "d": do_default,
    "default": do_default,
    "first": lambda value: value[0],
    "float": _to_float,
    "int": _to_int,
    "join": _join,
    "last": lambda value: value[-1],
    "length": len,
    "list": list,
    "lower": lambda value: str(value).lower(),
    "max": max,
    "min": min,
    "replace": _replace,
    "sort": sorted,
    "split": lambda value, separator=None: str(value).split(separator),
    "string": str,
    "to_json": _to_json,
    "trim": lambda value: str(value).strip(),
    "unique": _unique,
    "upper": lambda value: str(value).upper(),
}

TESTS = (
    "boolean",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "string",
    "true",
    "undefined",
    "upper",
    "==",
    "!=",
    ">",
    ">=",
    "<",
    "<=",
)
