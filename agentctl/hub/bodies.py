"""Bodies against their schemas: compiled once, accepted in microseconds, refused in words.

The words never repeat a value: it may be a prompt, or a token.
"""

import difflib
import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import jsonschema_rs

from agentctl.errors import InputError
from agentctl.resources import root, schema_path
from agentctl.web.strict_json import pointer

WRONG_SHOWN_MAX = 50
VALUES_LOOKED_OVER_MAX = 2000  # in a body whose every fault is told: some ten milliseconds
FOLDERS = ("wire", "api")


@cache
def document(name: str) -> dict[str, Any]:
    """Return a schema as it ships: `api/task`, `wire/message`."""
    found: dict[str, Any] = json.loads(schema_path(name).read_text())
    return found


class Schema:
    """A compiled schema and the words for what doesn't meet it."""

    def __init__(self, name: str) -> None:
        self.document = document(name)
        self._validator = jsonschema_rs.Draft202012Validator(self.document, registry=_registry())

    def check(self, value: Any) -> None:
        """Raise InputError unless the value meets the schema; lists what is wrong, if it can be looked over.

        The validator copies a value into each of its errors, and holds the interpreter's lock all
        the while: of a large one only the first is asked for.
        """
        if self._validator.is_valid(value):
            return
        wrong = sorted({each for error in self._errors(value) for each in self._wrong(error)})
        where, what = wrong[0]
        raise InputError(
            f"{where}: {what}" if where else f"the body: {what}", fields=wrong[:WRONG_SHOWN_MAX]
        )

    def _errors(self, value: Any) -> Iterable[Any]:
        if few(value):
            return self._validator.iter_errors(value)
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as first:
            return (first,)
        return ()  # it was found to be wrong, and nobody changes it

    def _wrong(self, error: Any) -> list[tuple[str, str]]:
        """Return (JSON pointer, what is wrong) for one error; unknown and missing names point at themselves."""
        path = tuple(error.instance_path)
        kind = error.kind
        if kind.name == "required":
            return [(pointer((*path, kind.property)), "is missing")]
        if kind.name == "additionalProperties":
            return [
                (pointer((*path, _short(name))), self._unknown(path, _short(name)))
                for name in kind.unexpected[:WRONG_SHOWN_MAX]
            ]
        words = _WORDS.get(kind.name)
        return [(pointer(path), words(kind) if words else f"breaks the schema's {kind.name}")]

    def _unknown(self, path: tuple[Any, ...], name: str) -> str:
        known = list(self.document.get("properties", ())) if not path else []
        near = difflib.get_close_matches(name, known, n=1)
        return f"is unknown; did you mean {near[0]}?" if near else "is unknown"


def few(value: Any) -> bool:
    """Whether at most VALUES_LOOKED_OVER_MAX values stand in `value`."""
    found, todo = 0, [value]
    while todo and found <= VALUES_LOOKED_OVER_MAX:
        each = todo.pop()
        below = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        found += len(below)
        todo += below
    return found <= VALUES_LOOKED_OVER_MAX


@cache
def schema(name: str) -> Schema:
    """Return the compiled schema of that name: `api/task`, `wire/message`."""
    return Schema(name)


@cache
def _registry() -> Any:
    """Return all schemas by `$id`: none is ever fetched."""
    found = (path for folder in FOLDERS for path in (root() / "schemas" / folder).glob("*.json"))
    documents = [json.loads(path.read_text()) for path in sorted(found)]
    return jsonschema_rs.Registry([(each["$id"], each) for each in documents])


def is_schema(value: Any) -> bool:
    """Whether a value is itself a JSON Schema that every reader understands (draft 2020-12)."""
    dialect = value.get("$schema", _DIALECT) if isinstance(value, dict) else _DIALECT
    if dialect not in (_DIALECT, f"{_DIALECT}#"):
        return False
    return bool(jsonschema_rs.meta.is_valid(value))


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"{name[:60]}…"


_WORDS: dict[str, Callable[[Any], str]] = {
    "type": lambda kind: f"must be {' or '.join(kind.types)}",
    "enum": lambda kind: f"must be one of {', '.join(map(str, kind.options))}",
    "const": lambda kind: f"must be {kind.expected_value}",
    "pattern": lambda kind: f"must be of the form {kind.pattern}",
    "minimum": lambda kind: f"must be at least {kind.limit:g}",
    "exclusiveMinimum": lambda kind: f"must be more than {kind.limit:g}",
    "maximum": lambda kind: f"must be at most {kind.limit:g}",
    "exclusiveMaximum": lambda kind: f"must be less than {kind.limit:g}",
    "minLength": lambda kind: f"must have at least {kind.limit} characters",
    "maxLength": lambda kind: f"must have at most {kind.limit} characters",
    "minItems": lambda kind: f"must have at least {kind.limit} items",
    "maxItems": lambda kind: f"must have at most {kind.limit} items",
    "maxProperties": lambda kind: f"must have at most {kind.limit} names",
    "propertyNames": lambda _: "has a name of another form than names have here",
    "uniqueItems": lambda _: "must not have an item twice",
}
