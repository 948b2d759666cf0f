"""JSON as the hub takes it: no duplicate keys, no NaN, bounded depth; and a reader of its fields."""

import json
import math
from typing import Any

DEPTH_MAX = 32  # the hub refuses deeper documents


class Malformed(ValueError):
    """A document or field is not what its schema says; the message never repeats a value."""


def loads(document: bytes | str) -> Any:
    """Parse strict JSON; Malformed says what is wrong without repeating the document."""
    try:
        parsed = json.loads(
            document,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite_number,
        )
    except Malformed:
        raise
    except RecursionError:
        raise Malformed("nested too deeply") from None
    except ValueError as wrong:
        where = f" at byte {wrong.pos}" if isinstance(wrong, json.JSONDecodeError) else ""
        raise Malformed(f"not JSON{where}") from None
    if depth(parsed) > DEPTH_MAX:
        raise Malformed(f"nested deeper than {DEPTH_MAX} levels")
    return parsed


def dumps(document: Any) -> bytes:
    """Return compact UTF-8 JSON; lone surrogates become U+FFFD's stand-in `?`."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def depth(value: Any) -> int:
    """Return how deep a parsed document nests: 0 for a scalar, 1 for []. Iterative: input is hostile."""
    deepest = 0
    pending = [(value, 1)]
    while pending:
        each, level = pending.pop()
        if not isinstance(each, dict | list):
            continue
        deepest = max(deepest, level)
        inner = each.values() if isinstance(each, dict) else each
        pending += [(one, level + 1) for one in inner]
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Malformed("an object has a key twice")
    return made


def _no_constant(_name: str) -> Any:
    raise Malformed("NaN and Infinity are not JSON")


def _finite_number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed("a number is too large")
    return value


class Reader:
    """Takes an object apart field by field; every complaint names the field's JSON pointer."""

    def __init__(self, doc: Any, what: str, at: str = "") -> None:
        if not isinstance(doc, dict):
            raise Malformed(f"{at or what} is not an object")
        self._doc: dict[str, Any] = doc
        self._what = what
        self._taken: set[str] = set()
        self.at = at

    def names(self) -> tuple[str, ...]:
        """Return the object's own keys."""
        return tuple(self._doc)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null; either way it counts as read."""
        self._taken.add(name)
        return self._doc.get(name) is not None

    def raw(self, name: str) -> Any:
        """Return a field as it stands; Malformed when it's missing."""
        self._taken.add(name)
        if name not in self._doc:
            raise Malformed(f"{self.at}/{name} is missing")
        return self._doc[name]

    def text(self, name: str, *, empty: bool = False) -> str:
        value = self.raw(name)
        if not isinstance(value, str) or not (value or empty):
            raise Malformed(f"{self.at}/{name} is not a{'' if empty else ' non-empty'} string")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Malformed(f"{self.at}/{name} is not a list of strings")
        return tuple(value)

    def number(self, name: str, *, above: float | None = None) -> float:
        """Return a finite number ≥ 0, or > `above` where given."""
        value = self.raw(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
            raise Malformed(f"{self.at}/{name} is not a number")
        if value < 0 or (above is not None and value <= above):
            raise Malformed(f"{self.at}/{name} is too small")
        return float(value)

    def integer(self, name: str, *, least: int = 0) -> int:
        value = self.raw(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed(f"{self.at}/{name} is not a whole number")
        if value < least:
            raise Malformed(f"{self.at}/{name} is below {least}")
        return value

    def inner(self, name: str) -> "Reader":
        return Reader(self.raw(name), self._what, f"{self.at}/{name}")

    def done(self) -> None:
        """Refuse fields that nobody took: a misspelt name must not pass silently."""
        unknown = sorted(set(self._doc) - self._taken)
        if unknown:
            raise Malformed(f"{self.at or self._what} has unknown fields: {', '.join(unknown[:5])}")


def _finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
