"""Query parameters and headers, declared once: parsed strictly and described in /openapi.json."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentctl.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter. `kind` is integer, number or string; a string has a `pattern`, numbers bounds.

    `count_max` above 1 makes it a repeated one, whose value is a tuple.
    """

    name: str
    kind: str
    about: str
    default: Any = None
    minimum: float = 0
    maximum: float = 0
    pattern: str = ""
    count_max: int = 1


def read(given: Mapping[str, str | list[str]], known: Sequence[Parameter]) -> dict[str, Any]:
    """Return every known parameter's value, its default when it isn't given.

    Raises InputError that lists all that is wrong: unknown names, repeats, values out of bounds.
    """
    wrong: list[tuple[str, str]] = []
    found = {each.name: _value(each, given.get(each.name), wrong) for each in known}
    names = {each.name for each in known}
    wrong += [
        (f"?{name[:40]}", f"unknown parameter; there are: {', '.join(sorted(names)) or 'none'}")
        for name in given
        if name not in names
    ]
    if wrong:
        raise InputError(f"query parameter {wrong[0][0][1:]}: {wrong[0][1]}", fields=wrong)
    return found


def _value(
    parameter: Parameter, given: str | list[str] | None, wrong: list[tuple[str, str]]
) -> Any:
    if given is None:
        return () if parameter.count_max > 1 else parameter.default
    values = given if isinstance(given, list) else [given]
    if len(values) > parameter.count_max:
        wrong.append((f"?{parameter.name}", f"given {len(values)} times, {_times(parameter)}"))
        return parameter.default
    parsed = [parse(parameter, each) for each in values]
    if None in parsed:
        wrong.append((f"?{parameter.name}", f"must be {expected(parameter)}"))
        return parameter.default
    return tuple(parsed) if parameter.count_max > 1 else parsed[0]


def parse(parameter: Parameter, text: str) -> Any:
    """Return one value, or None when it isn't one."""
    if parameter.kind == "string":
        return text if re.fullmatch(parameter.pattern, text) else None
    try:
        number: float = int(text) if parameter.kind == "integer" else float(text)
    except ValueError:
        return None
    plain = text.isascii() and "_" not in text and not math.isnan(number)
    return number if plain and parameter.minimum <= number <= parameter.maximum else None


def expected(parameter: Parameter) -> str:
    """Return what a value must be, in words."""
    if parameter.kind == "string":
        return f"of the form {parameter.pattern}"
    noun = "a whole number" if parameter.kind == "integer" else "a number"
    return f"{noun} from {parameter.minimum:g} to {parameter.maximum:g}"


def _times(parameter: Parameter) -> str:
    return "at most once" if parameter.count_max == 1 else f"at most {parameter.count_max} times"
