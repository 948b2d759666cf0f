"""A payload against its kind: Cerberus, with the few rules that agentctl.messages.rules takes."""

import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cerberus import TypeDefinition, Validator
from cerberus.errors import ERROR_GROUP, UNKNOWN_FIELD, ErrorDefinition

from agentctl.messages.rules import wrong_rules
from agentctl.model.fleet import MessageKind
from agentctl.model.message import PAYLOAD_BYTES_MAX

VALUES_MAX = (
    2_000  # in one payload: each costs Cerberus some ten microseconds of the hub's one core
)
WRONG_SHOWN_MAX = 20
WORDS_MAX = 200

Wrong = tuple[str, str]


class _Enough(Exception):
    """As much is wrong as will be said."""


class _Strict(Validator):  # type: ignore[misc]
    """Cerberus in which true is no number (in Python it is an integer), and that stops when it has said enough.

    It sorts all its errors at each further one: 2,000 wrong values took three seconds. `wrong` is
    where every error goes, those of nested validators too, which share their parent's settings.
    """

    types_mapping = {  # noqa: RUF012 a class attribute of Cerberus's
        **Validator.types_mapping,
        "integer": TypeDefinition("integer", (int,), (bool,)),
        "float": TypeDefinition("float", (float, int), (bool,)),
    }

    def _error(self, *args: Any) -> None:
        if len(args) > 1 and not args[1].code & ERROR_GROUP.code:
            wrong: list[Wrong] = self._config["wrong"]
            wrong.append((_pointer((*self.document_path, args[0])), self._said(args[0], args[1])))
            if len(wrong) >= WRONG_SHOWN_MAX:
                raise _Enough
        super()._error(*args)

    def _said(self, name: Any, error: ErrorDefinition) -> str:
        if error.code == UNKNOWN_FIELD.code:
            return "is unknown"
        if error.rule == "required":
            return "is missing"
        if error.rule == "nullable":
            return "must not be null"
        constraint = self.schema[name].get(error.rule)
        if error.rule == "type":
            return f"must be {constraint}"
        return f"breaks {error.rule}: {constraint}"[:WORDS_MAX]


@dataclass(frozen=True, slots=True)
class Kind:
    """A compiled message kind. A validator keeps what it last saw, so one payload goes through at a time."""

    name: str
    types: frozenset[str]
    _validator: Any = field(repr=False, compare=False)
    _wrong: list[Wrong] = field(repr=False, compare=False)
    _lock: Any = field(repr=False, compare=False, default_factory=threading.Lock)

    def wrong(self, payload: dict[str, Any]) -> tuple[Wrong, ...]:
        """Return what breaks the kind, as (JSON pointer, words); () when nothing does."""
        why = over(payload)
        if why:
            return (("/payload", why),)
        with self._lock:
            self._wrong.clear()
            with suppress(_Enough):
                if self._validator.validate(payload, normalize=False):
                    return ()
            return tuple(sorted(set(self._wrong))) or (("/payload", "is not of this kind"),)


def compiled(kind: MessageKind) -> Kind:
    """Return a kind ready for use; raises ValueError when its rules aren't those that are taken."""
    try:
        rules = json.loads(kind.rules)
    except (ValueError, RecursionError) as cause:
        raise ValueError(f"the rules of kind {kind.name} are no JSON") from cause
    wrong = wrong_rules(rules)
    if wrong:
        raise ValueError(f"kind {kind.name}: {wrong[0][0] or 'it'} {wrong[0][1]}")
    found: list[Wrong] = []
    return Kind(kind.name, frozenset(kind.types), _Strict(rules, wrong=found), found)


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
    return len(_encode(payload).encode())


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _count(value: Any) -> int:
    """Return how many values stand in `value`, or some number above VALUES_MAX."""
    found, todo = 0, [value]
    while todo and found <= VALUES_MAX:
        each = todo.pop()
        below = each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        found += len(below)
        todo.extend(below)
    return found


def _pointer(path: tuple[Any, ...]) -> str:
    steps = [str(each).replace("~", "~0").replace("/", "~1")[:60] for each in path]
    return "".join(f"/{each}" for each in ("payload", *steps))
