"""A payload against its kind: Cerberus, with the few rules that agentctl.messages.rules takes."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cerberus import TypeDefinition, Validator
from cerberus.errors import UNKNOWN_FIELD, ValidationError

from agentctl.messages.rules import wrong_rules
from agentctl.model.fleet import MessageKind
from agentctl.model.message import PAYLOAD_BYTES_MAX

VALUES_MAX = (
    2_000  # in one payload: each costs Cerberus some ten microseconds of the hub's one core
)
WRONG_SHOWN_MAX = 20
WORDS_MAX = 200

Wrong = tuple[str, str]


class _Strict(Validator):  # type: ignore[misc]
    """Cerberus in which true is no number: in Python it is an integer."""

    types_mapping = {  # noqa: RUF012 a class attribute of Cerberus's
        **Validator.types_mapping,
        "integer": TypeDefinition("integer", (int,), (bool,)),
        "float": TypeDefinition("float", (float, int), (bool,)),
    }


@dataclass(frozen=True, slots=True)
class Kind:
    """A compiled message kind. A validator keeps what it last saw, so one payload goes through at a time."""

    name: str
    types: frozenset[str]
    _validator: Any = field(repr=False, compare=False)
    _lock: Any = field(repr=False, compare=False, default_factory=threading.Lock)

    def wrong(self, payload: dict[str, Any]) -> tuple[Wrong, ...]:
        """Return what breaks the kind, as (JSON pointer, words); () when nothing does."""
        why = over(payload)
        if why:
            return (("/payload", why),)
        with self._lock:
            if self._validator.validate(payload, normalize=False):
                return ()
            found = sorted(set(_words(self._validator._errors)))
        return tuple(found[:WRONG_SHOWN_MAX])


def compiled(kind: MessageKind) -> Kind:
    """Return a kind ready for use; raises ValueError when its rules aren't those that are taken."""
    try:
        rules = json.loads(kind.rules)
    except (ValueError, RecursionError) as cause:
        raise ValueError(f"the rules of kind {kind.name} are no JSON") from cause
    wrong = wrong_rules(rules)
    if wrong:
        raise ValueError(f"kind {kind.name}: {wrong[0][0] or 'it'} {wrong[0][1]}")
    return Kind(kind.name, frozenset(kind.types), _Strict(rules))


def over(payload: dict[str, Any]) -> str:
    """Return why a payload is over its bounds, "" when it isn't."""
    values = _count(payload)
    if values > VALUES_MAX:
        return f"has more than {VALUES_MAX} values"
    size = size_of(payload)
    if size > PAYLOAD_BYTES_MAX:
        return f"has {size} bytes as JSON, at most {PAYLOAD_BYTES_MAX}"
    return ""


def size_of(payload: dict[str, Any]) -> int:
    """Return a payload's size as JSON, in bytes of UTF-8."""
    return len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())


def _count(value: Any) -> int:
    """Return how many values stand in `value`, or some number above VALUES_MAX."""
    found, todo = 0, [value]
    while todo and found <= VALUES_MAX:
        each = todo.pop()
        below = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        found += len(below)
        todo.extend(below)
    return found


def _words(errors: list[ValidationError]) -> Iterator[Wrong]:
    for error in errors:
        if error.child_errors:
            yield from _words(error.child_errors)
        else:
            yield _pointer(error.document_path), _said(error)


def _said(error: ValidationError) -> str:
    if error.code == UNKNOWN_FIELD.code:
        return "is unknown"
    if error.rule == "required":
        return "is missing"
    if error.rule == "type":
        return f"must be {error.constraint}"
    return f"breaks {error.rule}: {error.constraint}"[:WORDS_MAX]


def _pointer(path: tuple[Any, ...]) -> str:
    steps = [str(each).replace("~", "~0").replace("/", "~1")[:60] for each in path]
    return "".join(f"/{each}" for each in ("payload", *steps))
