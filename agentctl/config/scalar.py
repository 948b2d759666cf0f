"""What a plain YAML scalar means: YAML 1.2's core schema, and nothing of 1.1.

`no` and `on` are text, `22:22` is text, `2026-11-22` is text, `010` is ten.
Source: YAML 1.2.2, section 10.3.2.
"""

import re
from functools import lru_cache

DIGITS_MAX = 18  # what fits 64 bits: a longer number is a mistake, and slow to convert

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class OutOfRange(ValueError):
    """A number that no field of any document can mean."""


@lru_cache(maxsize=4096)  # the same words come again and again in a fleet's files
def plain(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar; raise OutOfRange for endless and infinite numbers."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _NOT_FINITE.fullmatch(text):
        raise OutOfRange(f"{text} is no finite number")
    for form, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if form.fullmatch(text):
            if len(text) > DIGITS_MAX:
                raise OutOfRange(f"a number of {len(text)} digits")
            return int(text, base)
    if _FLOAT.fullmatch(text) and len(text) <= 2 * DIGITS_MAX:
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise OutOfRange(f"{text} is no finite number")
        return value
    return text
