"""Which of Cerberus's rules a message kind may use: those that compare values, none that runs code.

Registries, coercion, defaults, custom checks and regular expressions are left out: rules come from
files, payloads from agents that may be hostile, and both are judged on the hub's one core.
Source: docs/decisions/0018-messages.md.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

RULES_MAX = 300  # fields and nested rules of one kind
DEPTH_MAX = 6
ALLOWED_MAX = 200
FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")

SCALARS = ("string", "integer", "float", "number", "boolean")
TYPES = (*SCALARS, "list", "dict")
NUMBERS = ("integer", "float", "number")

Wrong = tuple[str, str]
_SIZED = ("string", "list", "dict")
_APPLIES: dict[str, tuple[str, ...]] = {
    "type": TYPES,
    "required": TYPES,
    "nullable": TYPES,
    "allowed": (*SCALARS, "list"),
    "min": NUMBERS,
    "max": NUMBERS,
    "minlength": _SIZED,
    "maxlength": _SIZED,
    "empty": _SIZED,
    "schema": ("list", "dict"),
    "items": ("list",),
    "keysrules": ("dict",),
    "valuesrules": ("dict",),
}
_OF_KEYS = frozenset({"type", "minlength", "maxlength", "allowed"})


def wrong_rules(rules: Any) -> tuple[Wrong, ...]:
    """Return what keeps a kind's rules ({field: rules}) from being used, as (path, why); () for sound ones."""
    found = list(_fields("", rules, 1))
    count = _count(rules)
    if count > RULES_MAX:
        found.append(("", f"has {count} rules, at most {RULES_MAX}"))
    return tuple(found)


def _fields(path: str, fields: Any, depth: int) -> Iterator[Wrong]:
    if not isinstance(fields, dict) or not fields:
        yield path, "must name its fields, each with rules"
        return
    for name, rules in fields.items():
        if not isinstance(name, str) or not FIELD.fullmatch(name):
            yield path, "has a field that is no name of letters, digits, hyphens and underscores"
        else:
            yield from _rules(f"{path}/{name}", rules, depth)


def _rules(path: str, rules: Any, depth: int) -> Iterator[Wrong]:
    """Yield what is wrong with the rules of one value; a value without a type would take anything."""
    if depth > DEPTH_MAX:
        yield path, f"is nested deeper than {DEPTH_MAX}"
        return
    if not isinstance(rules, dict):
        yield path, "must be rules, such as {type: string}"
        return
    kind = rules.get("type")
    if kind not in TYPES:
        yield f"{path}/type", f"must be one of {', '.join(TYPES)}"
        return
    for name, argument in rules.items():
        applies = _APPLIES.get(name) if isinstance(name, str) else None
        if applies is None:
            yield path, f"has a rule that isn't taken; there are {', '.join(_APPLIES)}"
        elif kind not in applies:
            yield f"{path}/{name}", f"is no rule of a {kind}"
        else:
            yield from _argument(f"{path}/{name}", name, kind, argument, depth)


def _argument(path: str, name: str, kind: str, argument: Any, depth: int) -> Iterator[Wrong]:
    if name == "schema" and kind == "dict":
        yield from _fields(path, argument, depth + 1)
    elif name in ("schema", "valuesrules"):
        yield from _rules(path, argument, depth + 1)
    elif name == "items":
        yield from _items(path, argument, depth)
    elif name == "keysrules":
        yield from _keys(path, argument, depth)
    elif name in _FORMS:
        sound, words = _FORMS[name]
        if not sound(argument):
            yield path, words


def _items(path: str, items: Any, depth: int) -> Iterator[Wrong]:
    if not isinstance(items, list) or not items:
        yield path, "must be a list of rules, one for each item"
        return
    for at, rules in enumerate(items):
        yield from _rules(f"{path}/{at}", rules, depth + 1)


def _keys(path: str, rules: Any, depth: int) -> Iterator[Wrong]:
    if not isinstance(rules, dict) or rules.get("type") != "string" or set(rules) - _OF_KEYS:
        yield path, f"must be of type string, with {', '.join(sorted(_OF_KEYS - {'type'}))} at most"
    else:
        yield from _rules(path, rules, depth + 1)


def _count(rules: Any) -> int:
    """Return how many objects stand in the rules, without going deeper than they may be."""
    found, level = 0, [rules]
    for _ in range(4 * DEPTH_MAX):
        level = [each for above in level for each in _below(above)]
        found += sum(isinstance(each, dict) for each in level)
        if not level or found > RULES_MAX:
            break
    return found


def _below(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_list_of_scalars(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) <= ALLOWED_MAX
        and all(isinstance(each, str | int | float | bool) for each in value)
    )


_FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(("required", "nullable", "empty"), (_is_flag, "must be true or false")),
    **dict.fromkeys(("min", "max"), (_is_number, "must be a number")),
    **dict.fromkeys(("minlength", "maxlength"), (_is_length, "must be a whole number, 0 or more")),
    "allowed": (_is_list_of_scalars, f"must be a list of 1 to {ALLOWED_MAX} plain values"),
}
