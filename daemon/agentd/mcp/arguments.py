"""What the model gave a tool, taken apart field by field; a complaint is one that the model can act on."""

import math
from typing import Any

from agentd.mcp.tools import TOOLS


class BadArguments(Exception):
    """What is wrong with a call, for the model."""


_PROPERTIES = {each["name"]: each["inputSchema"] for each in TOOLS}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
}


class Arguments:
    """A call's arguments, checked against the tool's own schema as far as its outer fields go."""

    def __init__(self, tool: str, given: Any) -> None:
        if not isinstance(given, dict):
            raise BadArguments("the arguments must be an object")
        schema = _PROPERTIES[tool]
        properties = schema["properties"]
        for name in given:
            if name not in properties:
                known = ", ".join(properties) or "none"
                raise BadArguments(f"there is no argument {name[:60]!r}; there are: {known}")
        for name in schema.get("required", ()):
            if given.get(name) is None:
                raise BadArguments(f"{name} is missing")
        for name, value in given.items():
            if value is not None:
                _check(name, value, properties[name])
        self._given = {name: value for name, value in given.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument, or `default` when it wasn't given."""
        return self._given.get(name, default)

    def only(self, *names: str) -> dict[str, Any]:
        """Return those of the named arguments that were given."""
        return {name: self._given[name] for name in names if name in self._given}

    def one_of(self, *names: str) -> str:
        """Return which of them was given; BadArguments unless exactly one was."""
        given = [name for name in names if name in self._given]
        if len(given) != 1:
            raise BadArguments(f"give exactly one of {', '.join(names)}")
        return given[0]


def _check(name: str, value: Any, schema: dict[str, Any]) -> None:
    kind = schema["type"]
    is_kind = isinstance(value, _TYPES[kind])
    if not is_kind or (isinstance(value, bool) and kind != "boolean"):
        raise BadArguments(f"{name} must be of type {kind}")
    if isinstance(value, str):
        _within(name, len(value), schema.get("minLength"), schema.get("maxLength"), " characters")
    elif kind in ("number", "integer"):
        if not math.isfinite(value):
            raise BadArguments(f"{name} must be a finite number")
        _within(name, value, schema.get("minimum"), schema.get("maximum"), "")


def _within(name: str, value: float, least: Any, most: Any, unit: str) -> None:
    if least is not None and value < least:
        raise BadArguments(f"{name} must have at least {least}{unit}")
    if most is not None and value > most:
        raise BadArguments(f"{name} must have at most {most}{unit}")
